package io.backstop.jdbc.internal.pipeline.preview;

import io.backstop.jdbc.internal.digest.Sha256Digest;

import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.HexFormat;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The settings to which an approval is bound: all that the session, its role or its database has set and that may change what
 * a statement means, and those that the statement or the code that it reaches may read, by the names that stand in their
 * strings. PostgreSQL lists no settings of applications, nor of extensions whose library is not loaded yet, so these can be
 * asked for by name alone. Stateless, thread-safe.
 */
public final class BoundSettings {
    /** Of an application or an extension (PostgreSQL documentation, 20.16). */
    private static final Pattern WITH_DOT = Pattern.compile("(?<![\\w$])[A-Za-z_][\\w$]*+(?:\\.[A-Za-z_][\\w$]*+)++");

    private static final Pattern QUOTED = Pattern.compile("'([A-Za-z_]\\w*+)'");
    private static final Pattern WORD = Pattern.compile("[A-Za-z_]\\w*");

    /** Of the extensions that come with PostgreSQL, whose libraries are loaded with their first use. */
    private static final Set<String> OF_EXTENSIONS = Set.of(
            "isn.weak",
            "pg_trgm.similarity_threshold",
            "pg_trgm.strict_word_similarity_threshold",
            "pg_trgm.word_similarity_threshold",
            "plperl.on_plperl_init",
            "plperl.on_plperlu_init",
            "plperl.use_strict",
            "plpgsql.check_asserts",
            "plpgsql.extra_errors",
            "plpgsql.variable_conflict",
            "pltcl.start_proc",
            "pltclu.start_proc");

    /**
     * A pattern of settings that change messages, logs, statistics, how long something may take or how it is written to disk,
     * and no more; those by which the guard itself keeps a session read-only; those that decide about later transactions
     * only; and search_path, which is bound by itself.
     */
    private static final String HARMLESS = "^(application_name|backtrace_functions|client_connection_check_interval"
            + "|client_min_messages|compute_query_id|debug_pr(etty|int)_[a-z_]+|(log|track|tcp|wal|commit)_[a-z_]+"
            + "|max_stack_depth|search_path|stats_fetch_consistency|synchronous_commit|update_process_title"
            + "|[a-z_]+_timeout|(default_)?transaction_(read_only|deferrable)|default_transaction_isolation)$";

    /**
     * Columns: the name, whether PostgreSQL lists it, and the value; of those that are asked for by name, none where it is
     * PostgreSQL's own default. What the server's configuration says is the same for every session.
     */
    private static final String VALUES = """
            SELECT s.name, true, s.setting FROM pg_catalog.pg_settings AS s
            WHERE s.context OPERATOR(pg_catalog.=) ANY ('{user,superuser}'::pg_catalog.text[])
            AND s.source OPERATOR(pg_catalog.<>) ALL
                ('{default,environment variable,configuration file,command line,override}'::pg_catalog.text[])
            AND s.name OPERATOR(pg_catalog.!~) ?
            UNION ALL
            SELECT n.name, s.name IS NOT NULL, CASE WHEN s.name IS NULL THEN CASE
                    WHEN n.name OPERATOR(pg_catalog.~) '[.]' THEN pg_catalog.current_setting(n.name, true) END
                WHEN (s.setting OPERATOR(pg_catalog.=) s.boot_val) IS NOT TRUE THEN s.setting END
            FROM pg_catalog.unnest(?::pg_catalog.text[]) AS n (name)
            LEFT JOIN pg_catalog.pg_settings AS s
                ON pg_catalog.lower(s.name) OPERATOR(pg_catalog.=) pg_catalog.lower(n.name)""";

    private static final int DIGEST_LENGTH = 16;

    private BoundSettings() {}

    /**
     * Names and values; of settings that applications and other extensions have made up, the digest of the value, which may be
     * a secret. None of these that is empty, as a setting is that was set in a transaction that was rolled back.
     */
    public static Map<String, String> of(Connection connection, ReachedCode reached, String sql) throws SQLException {
        Set<String> names = new TreeSet<>(OF_EXTENSIONS);
        add(names, sql);
        reached.texts().forEach(text -> add(names, text));
        Map<String, String> values = new TreeMap<>();
        try (PreparedStatement select = connection.prepareStatement(VALUES)) {
            select.setString(1, HARMLESS);
            select.setString(2, names.stream().collect(Collectors.joining(",", "{", "}")));
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    String name = row.getString(1);
                    String value = row.getString(3);
                    if (value != null && (row.getBoolean(2) || !value.isEmpty())) {
                        values.put(name, isOfPostgres(name) ? value : digest(value));
                    }
                }
            }
        }
        return values;
    }

    private static boolean isOfPostgres(String name) {
        return name.indexOf('.') < 0 || OF_EXTENSIONS.contains(name);
    }

    private static void add(Set<String> names, String text) {
        if (WORD.matcher(text).matches()) {
            names.add(text);
        }
        add(names, WITH_DOT.matcher(text), 0);
        add(names, QUOTED.matcher(text), 1);
    }

    private static void add(Set<String> names, Matcher found, int group) {
        while (found.find()) {
            names.add(found.group(group));
        }
    }

    private static String digest(String value) {
        return "sha256 "
                + HexFormat.of()
                        .formatHex(Sha256Digest.start().digest(value.getBytes(StandardCharsets.UTF_8)))
                        .substring(0, DIGEST_LENGTH);
    }
}
