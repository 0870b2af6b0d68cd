package io.backstop.snapshot.internal.lock;

import io.backstop.api.analysis.Destruction;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.analysis.RemovedDefinition;
import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.snapshot.SnapshotRequest;
import io.backstop.snapshot.internal.reach.BlastRadius;
import io.backstop.snapshot.internal.reach.BlastRadiusResolver;
import io.backstop.snapshot.internal.reach.Effect;
import io.backstop.snapshot.internal.session.CallerSession;
import io.backstop.snapshot.internal.session.Relation;

import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * What holds for a transaction at REPEATABLE READ or SERIALIZABLE that may have looked before it could lock: the rows and
 * the catalog that it sees may be those of a past moment. See {@code docs/adr/0005-lock-then-copy-in-the-same-session.md}.
 */
public final class StaleSnapshotChecks {
    private static final int BATCH = 200;

    private static final String COLUMNS = """
            SELECT attrelid, attname FROM pg_catalog.pg_attribute
            WHERE attrelid = ANY (%s) AND attnum > 0 AND NOT attisdropped ORDER BY attrelid, attnum
            """;

    /**
     * Tables whose columns, defaults, constraints or indexes another transaction has changed or removed since the snapshot:
     * it left its number in {@code xmax} of the version that the snapshot still sees (PostgreSQL documentation, 5.6). A number
     * from before the snapshot is that of a transaction that was rolled back.
     */
    private static final String ALTERED = """
            SELECT DISTINCT v.relation FROM (
                SELECT attrelid AS relation, xmax AS changer FROM pg_catalog.pg_attribute
                UNION ALL SELECT adrelid, xmax FROM pg_catalog.pg_attrdef
                UNION ALL SELECT conrelid, xmax FROM pg_catalog.pg_constraint
                UNION ALL SELECT indrelid, xmax FROM pg_catalog.pg_index
            ) v
            WHERE v.relation = ANY (%s) AND pg_catalog.age(v.changer) <= pg_catalog.age(
                pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot())::pg_catalog.xid)
            """;

    private final CallerSession session;

    public StaleSnapshotChecks(CallerSession session) {
        this.session = session;
    }

    /**
     * Refuses what takes a table's rows whether the transaction sees them or not. Only a temporary table of the session's
     * own has none that it cannot see.
     */
    public void refuseWhatIsNotByRow(SnapshotRequest request, BlastRadiusResolver resolver)
            throws SQLException, RecoveryNotReadyException {
        for (RemovedDefinition definition : request.definitions()) {
            if (definition.cascade()) {
                throw refusal("what depends on " + definition.name());
            }
        }
        for (Destruction destruction : request.destructions()) {
            Optional<Effect> effect = BlastRadiusResolver.effect(destruction);
            if (effect.isPresent() && !effect.get().byRow()) {
                for (RelationName name : destruction.relations()) {
                    if (destruction.kind() == Destruction.Kind.DROP_SCHEMA || !isTemporary(resolver, name)) {
                        throw refusal(destruction, name);
                    }
                }
            }
        }
    }

    private boolean isTemporary(BlastRadiusResolver resolver, RelationName name) throws SQLException {
        Optional<Long> oid = resolver.oid(name);
        return oid.isPresent()
                && session.value("SELECT EXISTS (SELECT FROM pg_catalog.pg_class WHERE oid = " + oid.get()
                                + " AND relnamespace = pg_catalog.pg_my_temp_schema())")
                        .equals("t");
    }

    private RecoveryNotReadyException refusal(Destruction destruction, RelationName name) throws SQLException {
        return refusal(destruction.kind() == Destruction.Kind.DROP_SCHEMA ? "schema " + name.name() : "table " + name);
    }

    private RecoveryNotReadyException refusal(String subject) throws SQLException {
        return new RecoveryNotReadyException(
                "the transaction runs at " + session.value("SHOW transaction_isolation") + " and had begun before, so "
                        + subject + " may hold rows that it cannot see and that would go unsaved",
                "make the statement the first of its transaction, or run it at READ COMMITTED");
    }

    /**
     * Under the locks: refuses where a table is not any more what the transaction's snapshot of the catalog says, by which it
     * would be described, in anything by which its rows might not fit into what is restored. Columns that came since are seen
     * by those of an answer, which are those of now. Not looked for is what came besides, for the rows that the snapshot sees
     * were there before it, and what decides on no row: grants, triggers, policies, comments. Nor are the types of the columns:
     * a restore uses them as they are then.
     */
    public void requireCurrent(BlastRadius radius) throws SQLException, RecoveryNotReadyException {
        List<Relation> relations = radius.local().relations();
        List<Long> altered = session.rows(
                ALTERED.formatted(CallerSession.array(radius.tables().keySet())), row -> row.getLong(1));
        for (Relation relation : relations) {
            if (altered.contains(relation.oid())) {
                throw refusal(relation);
            }
        }
        Map<Long, List<String>> seen = new HashMap<>();
        session.rows(
                        COLUMNS.formatted(CallerSession.array(radius.tables().keySet())),
                        row -> Map.entry(row.getLong(1), row.getString(2)))
                .forEach(column -> seen.computeIfAbsent(column.getKey(), oid -> new ArrayList<>())
                        .add(column.getValue()));
        for (int from = 0; from < relations.size(); from += BATCH) {
            List<Relation> batch = relations.subList(from, Math.min(relations.size(), from + BATCH));
            compare(batch, seen);
        }
    }

    private void compare(List<Relation> batch, Map<Long, List<String>> seen)
            throws SQLException, RecoveryNotReadyException {
        String text = batch.stream()
                .map(relation -> "SELECT * FROM ONLY " + relation.name().quoted() + " LIMIT 0")
                .collect(Collectors.joining("; "));
        try (Statement statement = session.connection().createStatement()) {
            statement.execute(text);
            for (Relation relation : batch) {
                try (ResultSet answer = statement.getResultSet()) {
                    if (!columns(answer.getMetaData()).equals(seen.getOrDefault(relation.oid(), List.of()))) {
                        throw refusal(relation);
                    }
                }
                statement.getMoreResults();
            }
        }
    }

    private RecoveryNotReadyException refusal(Relation altered) throws SQLException {
        return new RecoveryNotReadyException(
                "table " + altered.name() + " was altered after the snapshot of the transaction at "
                        + session.value("SHOW transaction_isolation"),
                "run the statement in a new transaction");
    }

    private static List<String> columns(ResultSetMetaData answer) throws SQLException {
        List<String> names = new ArrayList<>();
        for (int i = 1; i <= answer.getColumnCount(); i++) {
            names.add(answer.getColumnName(i));
        }
        return names;
    }
}
