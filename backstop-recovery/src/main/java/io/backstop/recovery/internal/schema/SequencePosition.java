package io.backstop.recovery.internal.schema;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.internal.postgres.SqlSpelling;
import io.backstop.recovery.internal.text.SqlScript;
import io.backstop.snapshot.schema.TableDescription.Sequence;

import java.util.List;

/**
 * How far a column's sequence has come, as SQL. It never goes back: neither is a number given twice, nor one below the first
 * that a sequence was made or restarted to give. Stateless.
 */
public final class SequencePosition {
    private SequencePosition() {}

    public static String name(Sequence sequence) {
        return RelationName.of(sequence.schema(), sequence.name()).quoted();
    }

    /** @param number as SQL; where it is NULL, so is the answer */
    public static String isBehind(Sequence sequence, String number) {
        return "(last_value" + (isRising(sequence) ? " < " : " > ") + number + " OR last_value = " + number
                + " AND NOT is_called)";
    }

    /** The number of another sequence that this one can go on after, or NULL. */
    public static String reachedBy(RelationName other, Sequence sequence) {
        return "(SELECT last_value FROM " + other.quoted() + " WHERE is_called AND last_value" + withinBounds(sequence)
                + ")";
    }

    /** The furthest number that a table's column holds and this sequence can go on after, or NULL. */
    public static String furthestIn(RelationName table, String column, Sequence sequence) {
        String quoted = RelationName.quote(column);
        return "(SELECT " + (isRising(sequence) ? "max" : "min") + "(" + quoted + ")::bigint FROM " + table.quoted()
                + " WHERE " + quoted + withinBounds(sequence) + ")";
    }

    /**
     * Writes what moves it on to the furthest of some numbers, if it is behind that. What a sequence is set to stays when a
     * transaction is rolled back.
     *
     * @param numbers as SQL, at least one, of which any can be NULL
     */
    public static void goOnAfter(SqlScript script, Sequence sequence, List<String> numbers) {
        String reached = " FROM (SELECT " + (isRising(sequence) ? "greatest" : "least") + "("
                + String.join(", ", numbers) + ") AS number) AS reached, " + name(sequence) + " AS own WHERE "
                + isBehind(sequence, "number");
        script.run(
                "SELECT pg_catalog.setval(" + SqlSpelling.literal(name(sequence)) + ", number)" + reached,
                "SELECT number" + reached);
    }

    public static boolean isRising(Sequence sequence) {
        return sequence.increment() > 0;
    }

    private static String withinBounds(Sequence sequence) {
        return " BETWEEN " + sequence.minimum() + " AND " + sequence.maximum();
    }
}
