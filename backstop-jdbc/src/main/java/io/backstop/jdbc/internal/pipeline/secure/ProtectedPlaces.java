package io.backstop.jdbc.internal.pipeline.secure;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.Destruction;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.policy.ImpactRules;
import io.backstop.jdbc.policy.PolicyNames;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * By which names and in which trees a policy knows the tables that it protects: code that a statement sets off behind the
 * snapshot of other rows may not free them of that. Belongs to one connection; not thread-safe.
 */
final class ProtectedPlaces {
    /** Their rows alone may be stored, and not the whole table. */
    private static final Set<Destruction.Kind> OF_ROWS = EnumSet.of(Destruction.Kind.DELETE, Destruction.Kind.UPDATE);

    // Operators are qualified, because on the session's search path they may mean anything.
    private static final String TABLES = """
            SELECT c.oid, n.nspname, c.relname FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n
                ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
            WHERE c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,f}'::pg_catalog."char"[])
            AND c.relpersistence OPERATOR(pg_catalog.<>) 't'""";

    private static final String TREES = """
            WITH RECURSIVE tree (top, oid) AS (
                SELECT o.oid, o.oid FROM pg_catalog.unnest(?::pg_catalog.oid[]) AS o (oid)
                UNION SELECT tree.top, i.inhrelid FROM tree JOIN pg_catalog.pg_inherits AS i
                    ON i.inhparent OPERATOR(pg_catalog.=) tree.oid)
            SELECT tree.top, tree.oid, n.nspname, c.relname, a.attnum, a.attname
            FROM tree JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) tree.oid
            JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
            LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid OPERATOR(pg_catalog.=) c.oid
                AND a.attnum OPERATOR(pg_catalog.>) 0::pg_catalog.int2 AND NOT a.attisdropped""";

    private final ImpactRules rules;
    private final List<Protected> tables;
    private final Map<Member, Place> before;

    private ProtectedPlaces(ImpactRules rules, List<Protected> tables, Map<Member, Place> before) {
        this.rules = rules;
        this.tables = tables;
        this.before = before;
    }

    /** To be asked before the statement; what it stores as a whole, it may move itself. */
    static ProtectedPlaces of(Connection connection, Assessment assessment, ImpactRules rules) throws SQLException {
        Set<String> names = new HashSet<>(rules.protectedTables());
        names.addAll(rules.protectedColumns().keySet());
        names.removeIf(name -> isStoredWhole(name, assessment));
        List<Protected> tables = names.isEmpty() ? List.of() : meant(connection, names);
        Set<Long> tops = tables.stream().map(Protected::oid).collect(Collectors.toSet());
        return new ProtectedPlaces(rules, tables, trees(connection, tops));
    }

    private static boolean isStoredWhole(String name, Assessment assessment) {
        return assessment.destructions().stream()
                .filter(destruction -> !OF_ROWS.contains(destruction.kind()))
                .flatMap(destruction -> destruction.relations().stream())
                .anyMatch(relation -> PolicyNames.means(name, relation));
    }

    private static List<Protected> meant(Connection connection, Set<String> names) throws SQLException {
        List<Protected> meant = new ArrayList<>();
        try (Statement select = connection.createStatement();
                ResultSet rows = select.executeQuery(TABLES)) {
            while (rows.next()) {
                RelationName table = RelationName.of(rows.getString(2), rows.getString(3));
                for (String name : names) {
                    if (PolicyNames.means(name, table)) {
                        meant.add(new Protected(name, rows.getLong(1)));
                    }
                }
            }
        }
        return meant;
    }

    private static Map<Member, Place> trees(Connection connection, Set<Long> tops) throws SQLException {
        Map<Member, Place> trees = new HashMap<>();
        if (tops.isEmpty()) {
            return trees;
        }
        try (PreparedStatement select = connection.prepareStatement(TREES)) {
            select.setString(1, tops.stream().map(String::valueOf).collect(Collectors.joining(",", "{", "}")));
            try (ResultSet rows = select.executeQuery()) {
                while (rows.next()) {
                    RelationName name = RelationName.of(rows.getString(3), rows.getString(4));
                    Place place = trees.computeIfAbsent(
                            new Member(rows.getLong(1), rows.getLong(2)), member -> new Place(name, new TreeMap<>()));
                    String column = rows.getString(6);
                    if (column != null) {
                        place.columns().put(rows.getInt(5), column);
                    }
                }
            }
        }
        return trees;
    }

    /** @throws RecoveryNotReadyException where one of them goes by another name now, or has left its tree */
    void requireUnchanged(Connection connection) throws SQLException {
        Set<Long> all = before.keySet().stream().map(Member::oid).collect(Collectors.toSet());
        Map<Member, Place> now = trees(connection, all);
        for (Protected table : tables) {
            Optional<String> moved = moved(table, now);
            if (moved.isPresent()) {
                throw new RecoveryNotReadyException(
                        "the statement " + moved.get() + ", which the policy protects; it was rolled back",
                        "do that in a statement of its own, before which the table is stored");
            }
        }
    }

    private Optional<String> moved(Protected table, Map<Member, Place> now) {
        for (Map.Entry<Member, Place> entry : before.entrySet()) {
            Member member = entry.getKey();
            Place is = now.get(new Member(member.oid(), member.oid()));
            if (member.top() != table.oid() || is == null) {
                continue; // of another one, or gone, which is looked for by others
            }
            boolean known = PolicyNames.means(table.policyName(), is.name());
            if (member.oid() == table.oid() && !known) {
                return Optional.of("gave another name to table " + table.policyName());
            }
            if (!known && !now.containsKey(member)) {
                return Optional.of("took table " + is.name() + " out of table " + table.policyName());
            }
            Optional<String> column = renamedColumn(table, entry.getValue(), is);
            if (column.isPresent()) {
                return Optional.of("gave another name to column " + column.get() + " of table " + table.policyName());
            }
        }
        return Optional.empty();
    }

    private Optional<String> renamedColumn(Protected table, Place was, Place is) {
        Set<String> columns = rules.protectedColumns().getOrDefault(table.policyName(), Set.of());
        return was.columns().entrySet().stream()
                .filter(column -> columns.stream().anyMatch(name -> PolicyNames.meansColumn(name, column.getValue())))
                .filter(column -> {
                    String name = is.columns().getOrDefault(column.getKey(), column.getValue());
                    return !name.equals(column.getValue());
                })
                .map(Map.Entry::getValue)
                .findFirst();
    }

    /** A table that a name of the policy means. */
    private record Protected(String policyName, long oid) {}

    /** A table within the tree of another one, or of itself. */
    private record Member(long top, long oid) {}

    /** What a table and its columns, by their numbers, are called. */
    private record Place(RelationName name, Map<Integer, String> columns) {}
}
