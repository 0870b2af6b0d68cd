package io.backstop.snapshot.describe;

import io.backstop.api.analysis.RelationName;
import io.backstop.snapshot.internal.catalog.TableQueries;
import io.backstop.snapshot.schema.TableDescription.Sequence;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** A sequence that a column owns, with its name as the server writes it in a default. */
record OwnedSequence(Sequence sequence, String qualified) {
    /** The parser's stack has to hold them. */
    private static final int BATCH = 500;

    /** The sequences by table. Their values are in themselves, not in the catalog, so they are read by one more query. */
    static Map<Long, List<OwnedSequence>> read(Connection connection, Collection<Long> oids) throws SQLException {
        Map<Long, List<Found>> found = TableQueries.SEQUENCES.rows(connection, oids, Found::read);
        Map<Long, Value> values =
                values(connection, found.values().stream().flatMap(List::stream).toList());
        Map<Long, List<OwnedSequence>> sequences = new HashMap<>();
        for (Map.Entry<Long, List<Found>> table : found.entrySet()) {
            List<OwnedSequence> owned = new ArrayList<>();
            for (Found sequence : table.getValue()) {
                Value value = values.get(sequence.oid());
                if (value == null) {
                    throw new IllegalStateException("sequence " + sequence.qualified() + " has no value");
                }
                owned.add(new OwnedSequence(sequence.with(value), sequence.qualified()));
            }
            sequences.put(table.getKey(), owned);
        }
        return sequences;
    }

    private static Map<Long, Value> values(Connection connection, List<Found> sequences) throws SQLException {
        Map<Long, Value> values = new HashMap<>();
        for (int from = 0; from < sequences.size(); from += BATCH) {
            String sql = sequences.subList(from, Math.min(sequences.size(), from + BATCH)).stream()
                    .map(Found::valueQuery)
                    .collect(Collectors.joining(" UNION ALL "));
            try (Statement statement = connection.createStatement();
                    ResultSet result = statement.executeQuery(sql)) {
                while (result.next()) {
                    values.put(result.getLong(1), new Value(result.getLong(2), result.getBoolean(3)));
                }
            }
        }
        return values;
    }

    /** The default of the column that it feeds. */
    static String nextValueOf(String qualified) {
        return "nextval('" + qualified.replace("'", "''") + "'::regclass)";
    }

    /** Whether an expression is what {@code serial} writes as the column's default. */
    boolean isDefaultOf(String column, String expression) {
        return sequence.feeding() && sequence.column().equals(column) && expression.equals(nextValueOf(qualified));
    }

    private record Value(long last, boolean called) {}

    private record Found(
            long oid, String qualified, String owner, boolean readable, boolean usable, Sequence sequence) {
        static Found read(ResultSet row) throws SQLException {
            return new Found(
                    row.getLong("seqrelid"),
                    row.getString("qualified"),
                    row.getString("owner"),
                    row.getBoolean("readable"),
                    row.getBoolean("usable"),
                    new Sequence(
                            row.getString("schema"),
                            row.getString("name"),
                            row.getString("column"),
                            row.getBoolean("identity"),
                            row.getBoolean("feeding"),
                            row.getString("type"),
                            row.getLong("seqstart"),
                            row.getLong("seqincrement"),
                            row.getLong("seqmin"),
                            row.getLong("seqmax"),
                            row.getLong("seqcache"),
                            row.getBoolean("seqcycle"),
                            0,
                            false));
        }

        /**
         * Who may write a table with an identity column need not be allowed to look at its sequence. Then the furthest of the
         * column's values has to do, beyond which the next one is free too.
         */
        String valueQuery() {
            if (readable) {
                return "SELECT " + oid + ", last_value, is_called FROM " + qualified;
            }
            String last = usable
                    ? "pg_catalog.pg_sequence_last_value(" + oid + ")"
                    : "(SELECT pg_catalog." + (sequence.increment() < 0 ? "min" : "max") + "("
                            + RelationName.quote(sequence.column()) + ")::pg_catalog.int8 FROM " + owner + ")";
            return "SELECT " + oid + ", coalesce(v.last, " + sequence.start() + "), v.last IS NOT NULL FROM (SELECT "
                    + last + " AS last) v";
        }

        Sequence with(Value value) {
            return new Sequence(
                    sequence.schema(),
                    sequence.name(),
                    sequence.column(),
                    sequence.identity(),
                    sequence.feeding(),
                    sequence.type(),
                    sequence.start(),
                    sequence.increment(),
                    sequence.minimum(),
                    sequence.maximum(),
                    sequence.cache(),
                    sequence.cycle(),
                    value.last(),
                    value.called());
        }
    }
}
