package io.backstop.snapshot.capture;

import io.backstop.api.analysis.Destruction;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.error.RecoveryNotReadyException;

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
final class OlderSnapshot {
    private static final int BATCH = 200;

    private static final String COLUMNS = """
            SELECT attrelid, attname FROM pg_catalog.pg_attribute
            WHERE attrelid = ANY (%s) AND attnum > 0 AND NOT attisdropped ORDER BY attrelid, attnum
            """;

    private final Session session;

    OlderSnapshot(Session session) {
        this.session = session;
    }

    /**
     * Refuses what takes a table's rows whether the transaction sees them or not. Only a temporary table of the session's
     * own has none that it cannot see.
     */
    void refuseWhatIsNotByRow(List<Destruction> destructions, BlastRadiusResolver resolver)
            throws SQLException, RecoveryNotReadyException {
        for (Destruction destruction : destructions) {
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
        String subject = destruction.kind() == Destruction.Kind.DROP_SCHEMA ? "schema " + name.name() : "table " + name;
        return new RecoveryNotReadyException(
                "the transaction runs at " + session.value("SHOW transaction_isolation") + " and had begun before, so "
                        + subject + " may hold rows that it cannot see and that would go unsaved",
                "make the statement the first of its transaction, or run it at READ COMMITTED");
    }

    /**
     * Under the locks: refuses where a table has other columns than the transaction's snapshot of the catalog says, by
     * which the table would be described. The columns of an answer are those of now.
     */
    void requireCurrentColumns(BlastRadius radius) throws SQLException, RecoveryNotReadyException {
        Map<Long, List<String>> seen = new HashMap<>();
        session.rows(
                        COLUMNS.formatted(Session.array(radius.tables().keySet())),
                        row -> Map.entry(row.getLong(1), row.getString(2)))
                .forEach(column -> seen.computeIfAbsent(column.getKey(), oid -> new ArrayList<>())
                        .add(column.getValue()));
        List<Relation> relations = radius.local().relations();
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
                        throw new RecoveryNotReadyException(
                                "table " + relation.name() + " was altered after the snapshot of the transaction at "
                                        + session.value("SHOW transaction_isolation"),
                                "run the statement in a new transaction");
                    }
                }
                statement.getMoreResults();
            }
        }
    }

    private static List<String> columns(ResultSetMetaData answer) throws SQLException {
        List<String> names = new ArrayList<>();
        for (int i = 1; i <= answer.getColumnCount(); i++) {
            names.add(answer.getColumnName(i));
        }
        return names;
    }
}
