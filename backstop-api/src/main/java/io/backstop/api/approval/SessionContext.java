package io.backstop.api.approval;

import java.util.Collections;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/**
 * The state of a session that decides what a statement means in it. Immutable, thread-safe.
 *
 * @param role the database role that the statement would run as
 * @param searchPath the {@code search_path}, which decides what unqualified names mean
 * @param settings the settings that decide what literals and values mean, such as {@code DateStyle}
 * @param relations the identity of the relations that the statement names, and of the session's temporary objects; empty
 *     where there are none of either
 */
public record SessionContext(String role, String searchPath, Map<String, String> settings, String relations) {
    public SessionContext {
        Objects.requireNonNull(role, "role");
        Objects.requireNonNull(searchPath, "searchPath");
        settings = Collections.unmodifiableMap(new TreeMap<>(settings));
        Objects.requireNonNull(relations, "relations");
    }

    /** The same with one more that decides something. */
    public SessionContext with(String setting, String value) {
        Map<String, String> more = new TreeMap<>(settings);
        more.put(setting, value);
        return new SessionContext(role, searchPath, more, relations);
    }

    /** A session of which only role and search path are known. */
    public static SessionContext of(String role, String searchPath) {
        return new SessionContext(role, searchPath, Map.of(), "");
    }
}
