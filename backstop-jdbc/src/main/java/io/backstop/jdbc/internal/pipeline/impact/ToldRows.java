package io.backstop.jdbc.internal.pipeline.impact;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.analysis.StatementAssessment;
import io.backstop.api.analysis.Target;
import org.jspecify.annotations.Nullable;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * Whether the statements of a batch tell of rows that are really there: of tables of this server. A view with an INSTEAD OF
 * trigger, a table with a rule or a foreign table tells of rows that no table has lost, which could make up in the sum for
 * rows that code has deleted elsewhere. Belongs to one connection; not thread-safe.
 */
record ToldRows(Connection connection, Assessment assessment) {
    private static final Set<CommandTag> ROW_WRITES =
            Set.of(CommandTag.INSERT, CommandTag.UPDATE, CommandTag.DELETE, CommandTag.MERGE);

    private static final String HOLDS_ROWS = """
            SELECT c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p}'::pg_catalog."char"[]) AND NOT c.relhasrules
            FROM pg_catalog.pg_class AS c WHERE c.oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass(?)""";

    /**
     * Whether all changed rows are of the tables that the statements name, partitions and children included, and none of
     * these tells of others.
     */
    boolean areOfTheirTables(ChangedRows changed, Map<Long, TableStates.Table> tables) throws SQLException {
        Set<RelationName> named = new HashSet<>();
        for (StatementAssessment statement : assessment.statements()) {
            if (!ROW_WRITES.contains(statement.tag()) || statement.targets().isEmpty()) {
                return false;
            }
            statement.targets().stream().map(Target::name).forEach(named::add);
        }
        Set<Long> told = new HashSet<>();
        for (RelationName table : named) {
            if (!holdsRows(table)) {
                return false;
            }
            told.addAll(ChangedRows.tree(connection, table.quoted()));
        }
        return told.stream().allMatch(table -> isHere(tables.get(table)))
                && changed.byTable().entrySet().stream()
                        .filter(table -> table.getValue().changed() > 0)
                        .allMatch(table -> told.contains(table.getKey()));
    }

    private static boolean isHere(TableStates.@Nullable Table table) {
        return table != null && table.kind() != TableStates.Kind.FOREIGN;
    }

    private boolean holdsRows(RelationName table) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement(HOLDS_ROWS)) {
            select.setString(1, table.quoted());
            try (ResultSet row = select.executeQuery()) {
                return row.next() && row.getBoolean(1);
            }
        }
    }
}
