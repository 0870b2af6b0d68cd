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
 * The settings that a statement or the code that it reaches may read, by the names of settings that stand in their strings;
 * PostgreSQL lists no settings of applications, so these can be asked for by name alone. Stateless, thread-safe.
 */
public final class SettingsThatCodeReads {
    /** Of an application or an extension (PostgreSQL documentation, 20.16). */
    private static final Pattern WITH_DOT = Pattern.compile("(?<![\\w$])[A-Za-z_][\\w$]*+(?:\\.[A-Za-z_][\\w$]*+)++");

    private static final Pattern QUOTED = Pattern.compile("'([A-Za-z_]\\w*+)'");
    private static final Pattern WORD = Pattern.compile("[A-Za-z_]\\w*");

    /** Columns: the name, whether PostgreSQL lists it, and the value. */
    private static final String VALUES = """
            SELECT n.name, s.name IS NOT NULL, CASE WHEN s.name IS NOT NULL THEN s.setting
                WHEN n.name OPERATOR(pg_catalog.~) '[.]' THEN pg_catalog.current_setting(n.name, true) END
            FROM pg_catalog.unnest(?::pg_catalog.text[]) AS n (name)
            LEFT JOIN pg_catalog.pg_settings AS s
                ON pg_catalog.lower(s.name) OPERATOR(pg_catalog.=) pg_catalog.lower(n.name)""";

    private static final int DIGEST_LENGTH = 16;

    private SettingsThatCodeReads() {}

    /**
     * Names and values; of settings that applications have made up, the digest of the value, which may be a secret. None that
     * is empty, as a setting is that was set in a transaction that was rolled back.
     */
    public static Map<String, String> in(Connection connection, ReachedCode reached, String sql) throws SQLException {
        Set<String> names = new TreeSet<>();
        add(names, sql);
        reached.texts().forEach(text -> add(names, text));
        Map<String, String> values = new TreeMap<>();
        if (names.isEmpty()) {
            return values;
        }
        try (PreparedStatement select = connection.prepareStatement(VALUES)) {
            select.setString(1, names.stream().collect(Collectors.joining(",", "{", "}")));
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    String value = row.getString(3);
                    if (value != null && !value.isEmpty()) {
                        values.put(row.getString(1), row.getBoolean(2) ? value : digest(value));
                    }
                }
            }
        }
        return values;
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
