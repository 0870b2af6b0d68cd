package io.backstop.jdbc.internal.pipeline.impact;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.policy.ImpactRules;
import io.backstop.jdbc.policy.PolicyNames;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The protected tables under whatever name a write reaches them: their own, a partition's or child's, or that of a view, a
 * rule, a trigger or a foreign key. A text that names one itself was judged by that. Belongs to one connection; not
 * thread-safe.
 */
final class ProtectedRows {
    private final Assessment assessment;
    private final ImpactRules rules;
    private final Map<Long, String> tables;
    private final Map<Long, String> withColumns;
    private final TableStates before;

    private ProtectedRows(
            Assessment assessment,
            ImpactRules rules,
            Map<Long, String> tables,
            Map<Long, String> withColumns,
            TableStates before) {
        this.assessment = assessment;
        this.rules = rules;
        this.tables = tables;
        this.withColumns = withColumns;
        this.before = before;
    }

    /** To be asked before the statement, which may give a table another name. */
    static ProtectedRows before(Connection connection, Assessment assessment, ImpactRules rules, TableStates before)
            throws SQLException {
        return new ProtectedRows(
                assessment,
                rules,
                meant(connection, rules.protectedTables(), before),
                meant(connection, rules.protectedColumns().keySet(), before),
                before);
    }

    /** Each table that the names mean, with the partitions and children of it, and the name that means it. */
    private static Map<Long, String> meant(Connection connection, Collection<String> names, TableStates states)
            throws SQLException {
        Map<Long, String> meant = new HashMap<>();
        for (String name : names) {
            for (Map.Entry<Long, TableStates.Table> table : states.tables().entrySet()) {
                if (PolicyNames.means(name, table.getValue().qualified())) {
                    for (long oid : ChangedRows.tree(
                            connection, table.getValue().qualified().quoted())) {
                        meant.put(oid, name);
                    }
                }
            }
        }
        return meant;
    }

    /** What the statement did to a protected table, in words of which it is the subject. */
    Optional<String> touched(ChangedRows changed, TableStates now) {
        for (Map.Entry<Long, RowCounts> table : changed.byTable().entrySet()) {
            String name = tables.get(table.getKey());
            if (name != null) {
                return Optional.of("it changed rows of table " + name + ", which the policy protects");
            }
            String columns = withColumns.get(table.getKey());
            if (columns != null && table.getValue().updated() > 0 && !names(table.getKey())) {
                return Optional.of("it updated table " + columns + ", of which the policy protects columns");
            }
        }
        return renamed(now);
    }

    private boolean names(long oid) {
        TableStates.Table table = before.tables().get(oid);
        Set<String> named = new HashSet<>();
        assessment.tables().stream().map(RelationName::name).forEach(named::add);
        return table != null && named.contains(table.name());
    }

    /** A table that goes by another name is not protected any more. */
    private Optional<String> renamed(TableStates now) {
        for (String name : rules.protectedTables()) {
            for (Map.Entry<Long, TableStates.Table> table : before.tables().entrySet()) {
                TableStates.Table is = now.tables().get(table.getKey());
                if (PolicyNames.means(name, table.getValue().qualified())
                        && is != null
                        && !PolicyNames.means(name, is.qualified())) {
                    return Optional.of("it renamed table " + name + ", which the policy protects");
                }
            }
        }
        return Optional.empty();
    }
}
