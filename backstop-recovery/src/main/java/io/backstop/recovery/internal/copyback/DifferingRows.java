package io.backstop.recovery.internal.copyback;

import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.recovery.internal.sql.RecoveryTransaction;
import io.backstop.recovery.model.RestoredTable;

import java.sql.SQLException;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The rows that are there under a stored key with other values, by the transaction that made them what they are ({@code
 * xmin}, PostgreSQL documentation, 5.5). Those that the statement made are as it left them; all others were changed since.
 * Immutable.
 *
 * @param byTransaction how many rows each transaction made, the oldest transaction first
 * @param statement the statement's transaction, where it made any of them and that can be told
 */
record DifferingRows(Map<String, Long> byTransaction, Optional<String> statement) {
    static final DifferingRows NONE = new DifferingRows(Map.of(), Optional.empty());

    /** What a transaction is called in a row is the lower half of its number. */
    private static final long LOWER = 0xFFFF_FFFFL;

    DifferingRows {
        byTransaction = Collections.unmodifiableMap(new LinkedHashMap<>(byTransaction));
    }

    /** @param from {@code FROM …} with the rows as {@code present} */
    static DifferingRows of(RecoveryTransaction transaction, RestoredTable restored, String from) throws SQLException {
        Map<String, Long> byTransaction = new LinkedHashMap<>();
        for (List<String> made : transaction.rows(
                "SELECT present.xmin::text, count(*)" + from + " GROUP BY 1 ORDER BY max(age(present.xmin)) DESC")) {
            byTransaction.put(made.get(0), Long.parseLong(made.get(1)));
        }
        return new DifferingRows(byTransaction, statement(restored, byTransaction));
    }

    private static Optional<String> statement(RestoredTable restored, Map<String, Long> byTransaction) {
        return switch (StatementEffect.of(restored)) {
            case REMOVED -> Optional.empty();
            case CHANGED, UNKNOWN ->
                own(restored.manifest())
                        .map(own -> Optional.of(own).filter(byTransaction::containsKey))
                        .orElseGet(() -> largestIfOldest(byTransaction));
        };
    }

    /** As {@code xmin} has it. */
    static Optional<String> own(SnapshotManifest manifest) {
        return manifest.rowsTransactionId().map(id -> Long.toString(Long.parseUnsignedLong(id) & LOWER));
    }

    /**
     * The first to change a stored row is the statement, for its transaction had them locked. A transaction that began before
     * may have a lower number, so that the first is only sure where it made the most rows, too.
     */
    private static Optional<String> largestIfOldest(Map<String, Long> byTransaction) {
        Optional<String> oldest = byTransaction.keySet().stream().findFirst();
        return oldest.filter(first -> byTransaction.entrySet().stream()
                .noneMatch(other ->
                        !other.getKey().equals(first) && other.getValue() >= byTransaction.getOrDefault(first, 0L)));
    }

    long count() {
        return byTransaction.values().stream().mapToLong(Long::longValue).sum();
    }

    /** How many of them are as the statement left them. */
    long asLeft() {
        return statement.map(own -> byTransaction.getOrDefault(own, 0L)).orElse(0L);
    }

    /** How many others there are. */
    long since() {
        return count() - asLeft();
    }

    /** A condition for those that are as the statement left them. */
    String isAsLeft() {
        return statement.map(own -> "present.xmin = '" + own + "'").orElse("false");
    }
}
