package io.backstop.cli.analyze;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.Destruction;
import io.backstop.api.analysis.Destruction.Kind;
import io.backstop.api.analysis.RelationName;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Facts from a database's catalog about the relations that a statement would change. Asks in read-only transactions. */
final class CatalogFacts {
    private static final String RELATION = """
            SELECT c.oid::regclass::text,
                CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view'
                    WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table' WHEN 'S' THEN 'sequence' ELSE 'relation' END,
                CASE WHEN c.reltuples < 0 OR (c.reltuples = 0 AND c.relpages = 0
                    AND current_setting('server_version_num')::int < 140000) THEN 'rows never counted' ELSE 'about ' || c.reltuples::bigint || ' rows' END,
                pg_size_pretty(pg_total_relation_size(c.oid)),
                (SELECT count(*) FROM pg_constraint WHERE confrelid = c.oid AND contype = 'f'),
                (SELECT count(*) FROM pg_constraint WHERE confrelid = c.oid AND contype = 'f' AND confdeltype IN ('c', 'n', 'd')),
                (SELECT count(DISTINCT r.ev_class) FROM pg_depend AS d JOIN pg_rewrite AS r ON r.oid = d.objid
                    WHERE d.classid = 'pg_rewrite'::regclass AND d.refobjid = c.oid AND r.ev_class <> c.oid),
                (SELECT count(*) FROM pg_trigger WHERE tgrelid = c.oid AND NOT tgisinternal),
                (SELECT count(*) FROM pg_inherits WHERE inhparent = c.oid)
            FROM pg_class AS c WHERE c.oid = to_regclass(?)""";

    private static final Set<CommandTag> ROW_CHANGES = Set.of(CommandTag.UPDATE, CommandTag.DELETE, CommandTag.MERGE);
    private static final Set<Kind> ESTIMABLE = Set.of(Kind.DELETE, Kind.UPDATE);

    private final Connection connection;

    CatalogFacts(Connection connection) {
        this.connection = connection;
    }

    List<String> of(String sql, Assessment assessment) throws SQLException {
        connection.setReadOnly(true);
        connection.setAutoCommit(false);
        try {
            List<String> facts = new ArrayList<>();
            for (RelationName table : assessment.tables()) {
                facts.add(relation(table));
            }
            if (isOneWrite(assessment)) {
                facts.add(estimate(sql));
            }
            return facts;
        } finally {
            connection.rollback();
        }
    }

    private String relation(RelationName name) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement(RELATION)) {
            select.setString(1, name.quoted());
            try (ResultSet row = select.executeQuery()) {
                if (!row.next()) {
                    return name + ": not a relation of this database";
                }
                return row.getString(1) + ": " + row.getString(2) + ", " + row.getString(3) + ", " + row.getString(4)
                        + ", " + row.getLong(5) + " foreign keys refer to it (" + row.getLong(6)
                        + " change rows with it), " + row.getLong(7) + " views read it, " + row.getLong(8)
                        + " triggers, " + row.getLong(9) + " partitions or children";
            }
        }
    }

    private static boolean isOneWrite(Assessment assessment) {
        List<Destruction> destructions = assessment.destructions();
        return assessment.statements().size() == 1
                && !destructions.isEmpty()
                && destructions.stream().allMatch(destruction -> ESTIMABLE.contains(destruction.kind()))
                && ROW_CHANGES.contains(assessment.statements().get(0).tag());
    }

    /** The planner's estimate of the rows below the write. Plans, and does not execute. */
    private String estimate(String sql) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet plan = statement.executeQuery("EXPLAIN (FORMAT JSON) " + sql)) {
            plan.next();
            var node = tools.jackson.databind.json.JsonMapper.shared()
                    .readTree(plan.getString(1))
                    .path(0)
                    .path("Plan");
            return "the planner expects "
                    + node.path("Plans").path(0).path("Plan Rows").asLong() + " rows to change";
        } catch (SQLException e) {
            return "no estimate: the server does not plan it (" + e.getSQLState() + ")";
        }
    }
}
