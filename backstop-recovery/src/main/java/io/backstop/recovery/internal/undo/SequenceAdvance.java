package io.backstop.recovery.internal.undo;

import io.backstop.api.analysis.Destruction;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.internal.postgres.SqlSpelling;
import io.backstop.recovery.internal.schema.SequencePosition;
import io.backstop.recovery.internal.sql.RecoveryTransaction;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.schema.TableDescription.Sequence;

import java.io.IOException;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Sets the sequences of a table past the numbers of the rows that came back, as after a TRUNCATE that restarted them. Never
 * backwards: a number that was given is not given again. Stateless.
 */
final class SequenceAdvance {
    private static final Set<String> COUNTED = Set.of("smallint", "integer", "bigint");

    private SequenceAdvance() {}

    /** To be called last: what a sequence is set to stays when a transaction is rolled back. */
    static void advance(UndoTable table, SnapshotArchive archive) throws SQLException, IOException {
        for (Sequence sequence : table.present().description().sequences()) {
            Optional<Long> needed = needed(table, sequence, archive);
            if (needed.isPresent()) {
                forward(table.transaction(), sequence, needed.get());
            }
        }
    }

    /** The same for those of a partitioned table, which has no rows of its own, after a TRUNCATE that restarted them. */
    static void advance(RecoveryTransaction transaction, UndonePart part, SnapshotArchive archive)
            throws SQLException, IOException {
        if (part.manifest()
                .operation()
                .filter(kind -> kind == Destruction.Kind.TRUNCATE)
                .isEmpty()) {
            return;
        }
        for (Sequence sequence : archive.description(part.manifest()).sequences()) {
            boolean there = transaction.holds(
                    "EXISTS (SELECT FROM pg_class WHERE oid = to_regclass(?) AND relkind = 'S')",
                    SequencePosition.name(sequence));
            if (there && sequence.called()) {
                forward(transaction, sequence, sequence.lastValue());
            }
        }
    }

    private static void forward(RecoveryTransaction transaction, Sequence sequence, long needed) throws SQLException {
        if (isBehind(transaction, sequence, needed)) {
            // Keeps others from drawing numbers until the commit; it changes nothing.
            transaction.execute("ALTER SEQUENCE " + SequencePosition.name(sequence) + " CACHE " + sequence.cache());
            if (isBehind(transaction, sequence, needed)) {
                transaction.strings(
                        "SELECT setval(" + SqlSpelling.literal(SequencePosition.name(sequence)) + ", " + needed + ")");
            }
        }
    }

    private static Optional<Long> needed(UndoTable table, Sequence sequence, SnapshotArchive archive)
            throws SQLException, IOException {
        boolean rising = SequencePosition.isRising(sequence);
        List<Long> numbers = new ArrayList<>();
        boolean counted = table.present().description().columns().stream()
                .anyMatch(column -> column.name().equals(sequence.column()) && COUNTED.contains(column.type()));
        if (counted) {
            table
                    .transaction()
                    .strings("SELECT n::text FROM (SELECT " + (rising ? "max" : "min") + "("
                            + RelationName.quote(sequence.column()) + ")::bigint AS n FROM " + table.staged()
                            + " AS s WHERE " + UndoTable.acts("s", "insert") + " AND "
                            + RelationName.quote(sequence.column()) + " BETWEEN " + sequence.minimum() + " AND "
                            + sequence.maximum() + ") x WHERE n IS NOT NULL")
                    .stream()
                    .map(Long::parseLong)
                    .forEach(numbers::add);
        }
        for (UndonePart part : table.parts()) {
            if (part.manifest()
                    .operation()
                    .filter(kind -> kind == Destruction.Kind.TRUNCATE)
                    .isPresent()) {
                archive.description(part.manifest()).sequences().stream()
                        .filter(stored -> stored.column().equals(sequence.column()) && stored.called())
                        .map(Sequence::lastValue)
                        .filter(value -> value >= sequence.minimum() && value <= sequence.maximum())
                        .forEach(numbers::add);
            }
        }
        return numbers.stream().reduce((one, other) -> rising ? Math.max(one, other) : Math.min(one, other));
    }

    private static boolean isBehind(RecoveryTransaction transaction, Sequence sequence, long needed)
            throws SQLException {
        return transaction
                .strings("SELECT " + SequencePosition.isBehind(sequence, Long.toString(needed)) + "::text FROM "
                        + SequencePosition.name(sequence))
                .contains("true");
    }
}
