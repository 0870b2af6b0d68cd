package io.backstop.jdbc.internal.pipeline.impact;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.policy.ImpactRules;
import io.backstop.jdbc.internal.pipeline.impact.columns.ProtectedColumns;
import io.backstop.jdbc.internal.pipeline.impact.columns.TriggersOnUpdate;
import io.backstop.jdbc.policy.PolicyNames;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The protected tables under whatever name a write reaches them: their own, a partition's or child's, or that of a view, a
 * rule, a trigger or a foreign key. A text that names one itself, and what it writes of it, was judged by that. Belongs
 * to one connection; not thread-safe.
 */
final class ProtectedRows {
    private final Connection connection;
    private final Assessment assessment;
    private final ImpactRules rules;
    private final Map<Long, String> tables;
    private final Map<Long, String> withColumns;
    private final ProtectedColumns columns;
    private final TableStates before;

    private ProtectedRows(
            Connection connection,
            Assessment assessment,
            ImpactRules rules,
            Map<Long, String> tables,
            Map<Long, String> withColumns,
            TableStates before)
            throws SQLException {
        this.connection = connection;
        this.assessment = assessment;
        this.rules = rules;
        this.tables = tables;
        this.withColumns = withColumns;
        this.columns = ProtectedColumns.of(connection, rules.protectedColumns(), withColumns);
        this.before = before;
    }

    /** To be asked before the statement, which may give a table another name. */
    static ProtectedRows before(Connection connection, Assessment assessment, ImpactRules rules, TableStates before)
            throws SQLException {
        return new ProtectedRows(
                connection,
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
    Optional<String> touched(ChangedRows changed, TableStates now) throws SQLException {
        for (Map.Entry<Long, RowCounts> table : changed.byTable().entrySet()) {
            String name = tables.get(table.getKey());
            if (name != null) {
                return Optional.of("it changed rows of table " + name + ", which the policy protects");
            }
            String withColumn = withColumns.get(table.getKey());
            if (withColumn != null
                    && table.getValue().updated() > 0
                    && !(tellsItsColumns(table.getKey(), withColumn)
                            && TriggersOnUpdate.leaveAlone(
                                    connection,
                                    table.getKey(),
                                    rules.protectedColumns().getOrDefault(withColumn, Set.of())))) {
                return Optional.of("it updated table " + withColumn + ", of which the policy protects columns");
            }
        }
        Optional<String> renamed = renamed(rules.protectedTables(), now)
                .or(() -> renamed(rules.protectedColumns().keySet(), now));
        return renamed.isEmpty() && now.relationWrites() != before.relationWrites()
                ? columns.renamed(connection)
                : renamed;
    }

    /**
     * Whether the text itself says which columns of the table it updates, and they are none of those: it names it or the
     * table of the policy, writes through no view, and runs no code of the user's.
     */
    private boolean tellsItsColumns(long oid, String policyName) {
        TableStates.Table table = before.tables().get(oid);
        Set<String> stored =
                before.tables().values().stream().map(TableStates.Table::name).collect(Collectors.toSet());
        Set<String> protectedColumns = rules.protectedColumns().getOrDefault(policyName, Set.of());
        return table != null
                && !LimitedExecution.holdsUnseenCode(assessment)
                && assessment.tables().stream()
                        .anyMatch(named -> named.name().equals(table.name()) || PolicyNames.means(policyName, named))
                && assessment.statements().stream()
                        .allMatch(each -> each.targets().stream()
                                        .allMatch(target ->
                                                stored.contains(target.name().name()))
                                && each.columnsWritten().stream()
                                        .noneMatch(column -> protectedColumns.stream()
                                                .anyMatch(name -> PolicyNames.meansColumn(name, column))));
    }

    /** A table that goes by another name is not protected any more. */
    private Optional<String> renamed(Collection<String> names, TableStates now) {
        for (String name : names) {
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
