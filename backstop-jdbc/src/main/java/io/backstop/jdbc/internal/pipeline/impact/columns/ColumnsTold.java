package io.backstop.jdbc.internal.pipeline.impact.columns;

import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.StatementAssessment;
import io.backstop.api.analysis.Target;
import io.backstop.jdbc.internal.analysis.rule.EvaluatingCommands;
import io.backstop.jdbc.internal.pipeline.catalog.CatalogSql;
import io.backstop.jdbc.policy.PolicyNames;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Tells whether a text says itself which columns of a table it updates. It does so only if it writes to this table alone, by
 * the table's own name, and nothing that it sets off can write to other columns. Belongs to one statement and connection;
 * not thread-safe.
 */
public final class ColumnsTold {
    private static final String RESOLVED = CatalogSql.qualified("""
            SELECT n, pg_catalog.to_regclass(n)::pg_catalog.oid FROM pg_catalog.unnest(?::pg_catalog.text[]) AS n""");

    /** What generated columns are made of: since 15 the expression depends on it, before the column. */
    private static final String SOURCES = CatalogSql.qualified("""
            SELECT g.attrelid, g.attname, s.attname
            FROM pg_catalog.pg_attribute AS g
            JOIN pg_catalog.pg_attrdef AS e ON e.adrelid = g.attrelid AND e.adnum = g.attnum
            JOIN pg_catalog.pg_depend AS d ON d.refobjid = g.attrelid
            AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid
            AND (d.objid = e.oid AND d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass::pg_catalog.oid
            OR d.objid = g.attrelid AND d.objsubid = g.attnum AND d.classid = d.refclassid)
            JOIN pg_catalog.pg_attribute AS s ON s.attrelid = g.attrelid
            AND (s.attnum = d.refobjsubid OR d.refobjsubid = 0 AND s.attnum > 0::pg_catalog.int2)
            WHERE g.attrelid = ANY (?::pg_catalog.oid[]) AND g.attgenerated <> ''""");

    /** The columns that foreign keys refer to, with what the server does by itself where those change or go. */
    private static final String ACTIONS = CatalogSql.qualified("""
            SELECT a.attname, f.confupdtype = ANY ('{c,n,d}'::pg_catalog."char"[]),
            f.confdeltype = ANY ('{c,n,d}'::pg_catalog."char"[])
            FROM pg_catalog.pg_constraint AS f
            JOIN pg_catalog.pg_attribute AS a ON a.attrelid = f.confrelid AND a.attnum = ANY (f.confkey)
            WHERE f.contype = 'f' AND f.confrelid = ANY (?::pg_catalog.oid[])""");

    private static final Set<CommandTag> WITHOUT_INSERTS =
            Set.of(CommandTag.SELECT, CommandTag.UPDATE, CommandTag.DELETE);

    private final Connection connection;
    private final List<StatementAssessment> statements;
    private final Map<String, Long> targets;

    /** Of those trees alone that the text is about; empty where it may write to the columns. */
    private final Map<ProtectedTree, Optional<CodeOfTable>> code = new HashMap<>();

    /**
     * To be asked before the statement, which may give names another meaning, and change the code that it sets off.
     *
     * @param trees of which columns are protected
     */
    public ColumnsTold(Connection connection, List<StatementAssessment> statements, List<ProtectedTree> trees)
            throws SQLException {
        this.connection = connection;
        this.statements = statements;
        this.targets = resolved(connection, statements);
        for (ProtectedTree tree : trees) {
            if (!isAbout(tree)) {
                continue;
            }
            CodeOfTable found = CodeOfTable.of(connection, tree.tables());
            code.put(tree, leavesAlone(found, withSources(tree)) ? Optional.of(found) : Optional.empty());
        }
    }

    /** Whether it reads and writes rows alone, and of this table alone by the table's own name. */
    private boolean isAbout(ProtectedTree tree) {
        return !columnsWritten().isEmpty()
                && statements.stream()
                        .allMatch(each -> EvaluatingCommands.onRows(each.tag())
                                && each.targets().stream()
                                        .allMatch(target -> tree.tables()
                                                .contains(targets.getOrDefault(
                                                        target.name().quoted(), 0L))));
    }

    private boolean leavesAlone(CodeOfTable found, Set<String> columns) throws SQLException {
        Set<String> written = columnsWritten();
        return found.leavesAlone(connection, columns, column -> insertsRows() || means(Set.of(column), written));
    }

    private Set<String> columnsWritten() {
        return statements.stream()
                .flatMap(statement -> statement.columnsWritten().stream())
                .collect(Collectors.toSet());
    }

    private static Map<String, Long> resolved(Connection connection, List<StatementAssessment> statements)
            throws SQLException {
        Set<String> names = new HashSet<>();
        for (StatementAssessment statement : statements) {
            for (Target target : statement.targets()) {
                names.add(target.name().quoted());
            }
        }
        Map<String, Long> resolved = new HashMap<>();
        if (names.isEmpty()) {
            return resolved;
        }
        try (PreparedStatement select = connection.prepareStatement(RESOLVED)) {
            select.setString(1, CatalogSql.array(names));
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    resolved.put(row.getString(1), row.getLong(2)); // 0 where there is none
                }
            }
        }
        return resolved;
    }

    /**
     * Whether it says so, and none of them is protected.
     *
     * @param changed the tables of which the statement changed rows
     * @param updated how many rows it updated, as the server counts
     * @param deleted how many it deleted
     * @param inserted how many it inserted
     * @param reported how many it changed by its own account
     */
    public boolean leavesAlone(
            ProtectedTree tree, Set<Long> changed, long updated, long deleted, long inserted, Optional<Long> reported)
            throws SQLException {
        boolean updates = statements.stream()
                .allMatch(
                        each -> each.tag() == CommandTag.UPDATE && each.inner().isEmpty());
        if (deleted > 0 && inserted > 0 && !updates) {
            return false; // no UPDATE that moves rows to another partition: a row may be back without its value
        }
        // A row that moves counts as deleted and inserted. Whatever code changed besides counts, too.
        if (!reported.equals(Optional.of(updated + (updates ? Math.max(deleted, inserted) : deleted + inserted)))) {
            return false;
        }
        if (!isAbout(tree) || !tree.tables().containsAll(changed)) {
            return false; // a setting or a definition beside it may be another when it runs
        }
        Set<String> written = columnsWritten();
        Set<String> columns = withSources(tree);
        if (means(columns, written) || setsOffActions(tree, written, deleted > 0)) {
            return false;
        }
        // It may have been replaced while the statement waited, and so may what its words meant.
        CodeOfTable now = CodeOfTable.of(connection, tree.tables());
        return code.getOrDefault(tree, Optional.empty()).filter(now::equals).isPresent() && leavesAlone(now, columns);
    }

    /** A column that is not named gets its default then; in an UPDATE, one that is named. */
    private boolean insertsRows() {
        return statements.stream().anyMatch(each -> !WITHOUT_INSERTS.contains(each.tag()));
    }

    private static boolean means(Set<String> names, Set<String> columns) {
        return names.stream().anyMatch(name -> columns.stream().anyMatch(each -> PolicyNames.meansColumn(name, each)));
    }

    private Set<String> withSources(ProtectedTree tree) throws SQLException {
        Set<String> columns = new HashSet<>(tree.columns());
        try (PreparedStatement select = connection.prepareStatement(SOURCES)) {
            select.setString(1, CatalogSql.array(tree.tables()));
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    if (tree.protects(row.getLong(1), row.getString(2))) {
                        columns.add(row.getString(3));
                    }
                }
            }
        }
        return columns;
    }

    private boolean setsOffActions(ProtectedTree tree, Set<String> written, boolean deleted) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement(ACTIONS)) {
            select.setString(1, CatalogSql.array(tree.tables()));
            try (ResultSet key = select.executeQuery()) {
                while (key.next()) {
                    if ((key.getBoolean(2) && means(written, Set.of(key.getString(1))))
                            || (deleted && key.getBoolean(3))) {
                        return true;
                    }
                }
            }
        }
        return false;
    }
}
