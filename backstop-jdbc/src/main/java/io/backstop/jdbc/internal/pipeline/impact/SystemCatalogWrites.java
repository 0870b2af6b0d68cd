package io.backstop.jdbc.internal.pipeline.impact;

import io.backstop.api.analysis.Assessment;
import io.backstop.jdbc.internal.analysis.rule.EvaluatingCommands;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Finds rows of the system catalog that a statement wrote as rows: through a view, a rule, a trigger or code, and not by a
 * command that defines something. Such a command gives its lock on most tables of the catalog back at once; UPDATE, DELETE
 * and INSERT keep it until the transaction ends. On the other tables their planner locks the indexes as a writer, too
 * (get_relation_info in PostgreSQL's src/backend/optimizer/util/plancat.c), unless it planned the statement earlier. Where the
 * catalog was not written to, nothing is asked. Stateless.
 */
final class SystemCatalogWrites {
    private static final String PAGES_OF_LARGE_OBJECTS = "pg_largeobject";

    /** On these a command that defines something may keep its lock, too (table_close with NoLock in src/backend). */
    private static final Set<String> LOCKED_BY_DEFINITIONS = Set.of(
            "pg_auth_members",
            "pg_authid",
            "pg_database",
            "pg_db_role_setting",
            "pg_description",
            "pg_namespace",
            "pg_operator",
            "pg_parameter_acl",
            "pg_proc",
            "pg_shdescription",
            "pg_subscription",
            "pg_subscription_rel",
            "pg_tablespace");

    /** Which of these tables the session holds as a writer, and whether an index of it, too. */
    private static final String HELD = """
            SELECT c.relname,
                EXISTS (SELECT FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_locks AS k
                    ON k.relation OPERATOR(pg_catalog.=) i.indexrelid
                    WHERE i.indrelid OPERATOR(pg_catalog.=) c.oid AND k.locktype OPERATOR(pg_catalog.=) 'relation'
                    AND k.mode OPERATOR(pg_catalog.=) 'RowExclusiveLock'
                    AND k.pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid())
            FROM pg_catalog.pg_class AS c
            JOIN pg_catalog.pg_locks AS l ON l.relation OPERATOR(pg_catalog.=) c.oid
            WHERE c.oid OPERATOR(pg_catalog.=) ANY (?::pg_catalog.oid[]) AND l.locktype OPERATOR(pg_catalog.=) 'relation'
            AND l.mode OPERATOR(pg_catalog.=) 'RowExclusiveLock' AND l.pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid()""";

    private SystemCatalogWrites() {}

    /** In words of which the statement is the subject; empty where there are none. */
    static Optional<String> find(
            Connection connection, Assessment assessment, CodeOnWrite.Facts code, TableStates before, TableStates now)
            throws SQLException {
        Set<Long> written = now.catalogsWrittenSince(before);
        if (written.isEmpty()) {
            return Optional.empty();
        }
        boolean mayDefine = mayDefine(assessment, code);
        try (PreparedStatement select = connection.prepareStatement(HELD)) {
            select.setString(1, written.stream().map(String::valueOf).collect(Collectors.joining(",", "{", "}")));
            try (ResultSet held = select.executeQuery()) {
                while (held.next()) {
                    String table = held.getString(1);
                    // The functions of large objects lock the index, too; the pages that they write are counted.
                    boolean asRows = !table.equals(PAGES_OF_LARGE_OBJECTS)
                            && (held.getBoolean(2) || !LOCKED_BY_DEFINITIONS.contains(table));
                    if (asRows || !mayDefine) {
                        return Optional.of("it changed rows of the system catalog: " + table);
                    }
                }
            }
        }
        return Optional.empty();
    }

    private static boolean mayDefine(Assessment assessment, CodeOnWrite.Facts code) {
        return LimitedExecution.runsUnseenCode(assessment)
                || assessment.statements().stream().anyMatch(each -> !EvaluatingCommands.onRows(each.tag()))
                || assessment.tables().stream().anyMatch(table -> code.hasTrigger(table.name()));
    }
}
