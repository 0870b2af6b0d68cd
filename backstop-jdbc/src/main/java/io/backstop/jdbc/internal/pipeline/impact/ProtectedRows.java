package io.backstop.jdbc.internal.pipeline.impact;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.policy.ImpactRules;
import io.backstop.jdbc.internal.pipeline.impact.columns.ColumnsTold;
import io.backstop.jdbc.internal.pipeline.impact.columns.ProtectedColumns;
import io.backstop.jdbc.internal.pipeline.impact.columns.ProtectedTree;
import io.backstop.jdbc.policy.PolicyNames;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The protected tables under whatever name a write reaches them: their own, a partition's or child's, or that of a view, a
 * rule, a trigger or a foreign key. A text that names one itself, and what it writes of it, was judged by that. Belongs
 * to one connection; not thread-safe.
 */
final class ProtectedRows {
    private final Connection connection;
    private final Assessment assessment;
    private final ImpactRules rules;
    private final TableStates before;

    /** Every protected table, with the partitions and children of it, and a name of the policy that means it. */
    private final Map<Long, String> tables = new HashMap<>();

    private final List<ProtectedTree> withColumns = new ArrayList<>();

    /** The partitions and children of a table that the policy means. */
    private record Tree(String name, long top, Set<Long> tables) {}

    private final List<Tree> trees = new ArrayList<>();
    private final ProtectedColumns columns;
    private final Optional<ColumnsTold> told;

    private ProtectedRows(Connection connection, Assessment assessment, ImpactRules rules, TableStates before)
            throws SQLException {
        this.connection = connection;
        this.assessment = assessment;
        this.rules = rules;
        this.before = before;
        for (String name : rules.protectedTables()) {
            for (Tree tree : meant(name)) {
                tree.tables().forEach(table -> tables.put(table, name));
            }
        }
        for (Map.Entry<String, Set<String>> entry : rules.protectedColumns().entrySet()) {
            for (Tree tree : meant(entry.getKey())) {
                withColumns.add(new ProtectedTree(entry.getKey(), tree.tables(), entry.getValue()));
            }
        }
        this.columns = ProtectedColumns.of(connection, withColumns);
        this.told = withColumns.isEmpty()
                ? Optional.empty()
                : Optional.of(new ColumnsTold(connection, assessment.statements(), withColumns));
    }

    /** To be asked before the statement, which may give a table another name. */
    static ProtectedRows before(Connection connection, Assessment assessment, ImpactRules rules, TableStates before)
            throws SQLException {
        return new ProtectedRows(connection, assessment, rules, before);
    }

    /** Each table that the name means, with its partitions and children. */
    private List<Tree> meant(String name) throws SQLException {
        List<Tree> meant = new ArrayList<>();
        for (Map.Entry<Long, TableStates.Table> table : before.tables().entrySet()) {
            if (PolicyNames.means(name, table.getValue().qualified())) {
                meant.add(new Tree(name, table.getKey(), ChangedRows.tree(connection, table.getKey())));
            }
        }
        trees.addAll(meant);
        return meant;
    }

    /**
     * What the statement did to a protected table, in words of which it is the subject.
     *
     * @param reported how many rows it changed by its own account
     */
    Optional<String> touched(ChangedRows changed, TableStates now, Optional<Long> reported) throws SQLException {
        for (long table : changed.byTable().keySet()) {
            String name = tables.get(table);
            if (name != null) {
                return Optional.of("it changed rows of table " + name + ", which the policy protects");
            }
        }
        for (ProtectedTree tree : withColumns) {
            if (updates(tree, changed) && !leavesColumnsAlone(tree, changed, reported)) {
                return Optional.of("it updated table " + tree.name() + ", of which the policy protects columns");
            }
        }
        Optional<String> renamed = renamed(rules.protectedTables(), now)
                .or(() -> renamed(rules.protectedColumns().keySet(), now));
        if (renamed.isPresent() || now.relationWrites() == before.relationWrites()) {
            return renamed;
        }
        Optional<String> redefined = columns.redefined(connection);
        return redefined.isPresent() ? redefined : movedIntoOrOutOf(now);
    }

    /**
     * A table that is no partition or child of a protected one any more is not protected either, and the rows of one that has
     * become it are the protected table's.
     */
    private Optional<String> movedIntoOrOutOf(TableStates now) throws SQLException {
        for (Tree tree : trees) {
            Set<Long> left = ChangedRows.tree(connection, tree.top());
            for (long table : tree.tables()) {
                TableStates.Table is = now.tables().get(table);
                if (is != null && !left.contains(table) && !PolicyNames.means(tree.name(), is.qualified())) {
                    return Optional.of(moved(is, "out of", tree));
                }
            }
            for (long table : left) {
                TableStates.Table was = before.tables().get(table);
                if (was != null && !tree.tables().contains(table)) {
                    return Optional.of(moved(was, "into", tree));
                }
            }
        }
        return Optional.empty();
    }

    private static String moved(TableStates.Table table, String where, Tree tree) {
        return "it took table " + table.name() + " " + where + " table " + tree.name() + ", which the policy protects";
    }

    /**
     * Whether rows of it were updated. A row that moves to another partition is deleted there and inserted here, as far as the
     * server counts; one that a text deletes and inserts again is not another row either.
     */
    private static boolean updates(ProtectedTree tree, ChangedRows changed) {
        boolean deleted = false;
        boolean inserted = false;
        for (Map.Entry<Long, RowCounts> table : changed.byTable().entrySet()) {
            if (tree.tables().contains(table.getKey())) {
                if (table.getValue().updated() > 0) {
                    return true;
                }
                deleted |= table.getValue().deleted() > 0;
                inserted |= table.getValue().inserted() > 0;
            }
        }
        return deleted && inserted;
    }

    private boolean leavesColumnsAlone(ProtectedTree tree, ChangedRows changed, Optional<Long> reported)
            throws SQLException {
        RowCounts counts = changed.byTable().values().stream().reduce(RowCounts.NONE, RowCounts::plus);
        return !LimitedExecution.holdsUnseenCode(assessment)
                && told.orElseThrow()
                        .leavesAlone(
                                tree,
                                changed.byTable().keySet(),
                                counts.updated(),
                                counts.deleted(),
                                counts.inserted(),
                                reported);
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
