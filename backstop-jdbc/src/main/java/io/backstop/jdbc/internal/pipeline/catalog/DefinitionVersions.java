package io.backstop.jdbc.internal.pipeline.catalog;

import io.backstop.api.analysis.MentionedNames;

import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * The versions of the user's definitions by name, and which names lead to which, so that one question by the catalog's indexes
 * tells whether what a statement names is still what it was. Immutable, thread-safe.
 *
 * @param spelling how the server keeps names
 * @param versions a sum over all definitions of a name; those without a name have the empty one
 * @param uses the names that each name leads to
 */
record DefinitionVersions(ServerSpelling spelling, Map<String, Long> versions, Map<String, Set<String>> uses) {
    private static final String ALL = """
            SELECT v.name, pg_catalog.sum(pg_catalog.hashtextextended(v.version, 0))::pg_catalog.text FROM (
                SELECT p.proname AS name, pg_catalog.concat('f', p.oid, ' ', p.xmin) AS version
                FROM pg_catalog.pg_proc AS p WHERE p.oid >= USERS
                UNION ALL SELECT c.relname, pg_catalog.concat('r', c.oid, ' ', c.relkind, c.relrowsecurity)
                FROM pg_catalog.pg_class AS c
                WHERE c.oid >= USERS AND (c.relkind = ANY ('{v,m,f,c}') OR c.relrowsecurity)
                UNION ALL SELECT c.relname, pg_catalog.concat('w', r.oid, ' ', r.xmin) FROM pg_catalog.pg_rewrite AS r
                JOIN pg_catalog.pg_class AS c ON c.oid = r.ev_class WHERE c.oid >= USERS
                UNION ALL SELECT c.relname, pg_catalog.concat('p', y.oid, ' ', y.xmin) FROM pg_catalog.pg_policy AS y
                JOIN pg_catalog.pg_class AS c ON c.oid = y.polrelid
                UNION ALL SELECT c.relname, pg_catalog.concat('l', h.inhrelid) FROM pg_catalog.pg_inherits AS h
                JOIN pg_catalog.pg_class AS c ON c.oid = h.inhparent
                UNION ALL SELECT t.typname, pg_catalog.concat('t', t.oid, ' ', t.xmin) FROM pg_catalog.pg_type AS t
                WHERE t.oid >= USERS AND t.typtype = ANY ('{d,r,m,b}') AND t.typelem = 0::pg_catalog.oid
                UNION ALL SELECT t.typname, pg_catalog.concat('k', k.oid, ' ', k.xmin) FROM pg_catalog.pg_constraint AS k
                JOIN pg_catalog.pg_type AS t ON t.oid = k.contypid
                UNION ALL SELECT o.oprname, pg_catalog.concat('o', o.oid, ' ', o.xmin) FROM pg_catalog.pg_operator AS o
                WHERE o.oid >= USERS
                UNION ALL SELECT ''::pg_catalog.name, pg_catalog.concat('c', e.oid, ' ', e.xmin) FROM pg_catalog.pg_cast AS e
                WHERE e.oid >= USERS
            ) AS v""";

    private static final String BY_NAME = " GROUP BY v.name";

    private static final String EVERY = CatalogSql.qualified(ALL + BY_NAME);

    /** With the isolation level, under which an older state of the catalog may be seen. */
    private static final String NAMED = CatalogSql.qualified(ALL + " WHERE v.name = ANY (?::pg_catalog.name[])"
            + BY_NAME + " UNION ALL SELECT NULL, pg_catalog.current_setting('transaction_isolation')");

    /** What is asked for by what a name is read as. */
    private static final String NAMED_IN_ANY_BYTES =
            NAMED.replace("v.name", CatalogSql.legible("v.name")).replace("pg_catalog.name[]", "pg_catalog.text[]");

    /** What has no name. */
    private static final String NAMELESS = "";

    DefinitionVersions {
        versions = Map.copyOf(versions);
        uses = Map.copyOf(uses);
    }

    /** @param bodies the names that stand in the bodies of functions */
    static DefinitionVersions read(Connection connection, ServerSpelling spelling, Map<String, Set<String>> bodies)
            throws SQLException {
        Map<String, Long> versions = new HashMap<>();
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(CatalogSql.legible(EVERY, spelling.encoding(), 2, 1))) {
            while (rows.next()) {
                versions.put(rows.getString(1), version(rows.getString(2)));
            }
        }
        Map<String, Set<String>> uses = new HashMap<>();
        for (Dependencies.Dependency each : Dependencies.of(connection, spelling.encoding())) {
            uses.computeIfAbsent(each.user(), name -> new HashSet<>()).add(each.used());
        }
        bodies.forEach((function, names) -> {
            Set<String> known = new HashSet<>(names);
            known.retainAll(versions.keySet());
            uses.computeIfAbsent(function, name -> new HashSet<>()).addAll(known);
        });
        return new DefinitionVersions(spelling, versions, uses);
    }

    /** Whether what these names lead to is what it was; so too where the transaction cannot see what it has become. */
    boolean areCurrent(Connection connection, Collection<MentionedNames> mentions) throws SQLException {
        Set<String> names = reachedBy(mentions);
        Map<String, Long> now = new HashMap<>();
        try (PreparedStatement select = connection.prepareStatement(
                spelling.encoding().equals(CatalogSql.SQL_ASCII) ? NAMED_IN_ANY_BYTES : NAMED)) {
            select.setString(1, CatalogSql.array(names));
            try (ResultSet rows = select.executeQuery()) {
                while (rows.next()) {
                    String name = rows.getString(1);
                    if (name != null) {
                        now.put(name, version(rows.getString(2)));
                    } else if (CatalogReader.frozen(rows.getString(2))) {
                        return true;
                    }
                }
            }
        }
        Map<String, Long> before = new HashMap<>(versions);
        before.keySet().retainAll(names);
        return now.equals(before);
    }

    private Set<String> reachedBy(Collection<MentionedNames> mentions) {
        Set<String> names = new HashSet<>();
        names.add(NAMELESS);
        Deque<String> more = new ArrayDeque<>();
        for (MentionedNames each : mentions) {
            for (int i = 0; i < each.size(); i++) {
                more.addAll(spelling.kept(each.name(i)));
            }
            more.addAll(each.operators());
        }
        while (!more.isEmpty()) {
            String name = more.pop();
            if (names.add(name)) {
                more.addAll(uses.getOrDefault(name, Set.of()));
            }
        }
        return names;
    }

    private static long version(String sum) {
        return new BigDecimal(sum).longValue();
    }
}
