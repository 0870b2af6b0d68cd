package io.backstop.recovery.internal.copyback;

import io.backstop.recovery.internal.copyback.StatementTransactions.Knowledge;
import io.backstop.recovery.internal.sql.RecoveryTransaction;

import java.sql.SQLException;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The rows that are there under a stored key with other values, by the transaction that made them what they are. Those that
 * the statement made are as it left them; all others were changed since, or may have been. Immutable.
 *
 * @param byTransaction how many rows each transaction made, the oldest transaction first
 * @param statement those of the transactions that are taken for the statement's
 * @param guessed whether that is only likely
 */
record DifferingRows(Map<String, Long> byTransaction, List<String> statement, boolean guessed) {
    static final DifferingRows NONE = new DifferingRows(Map.of(), List.of(), false);

    DifferingRows {
        byTransaction = Collections.unmodifiableMap(new LinkedHashMap<>(byTransaction));
        statement = List.copyOf(statement);
    }

    /** @param from {@code FROM …} with the rows as {@code present} */
    static DifferingRows of(
            RecoveryTransaction transaction, StatementEffect effect, StatementTransactions known, String from)
            throws SQLException {
        Map<String, Long> byTransaction = new LinkedHashMap<>();
        for (List<String> made : transaction.rows(
                "SELECT present.xmin::text, count(*)" + from + " GROUP BY 1 ORDER BY max(age(present.xmin)) DESC")) {
            byTransaction.put(made.get(0), Long.parseLong(made.get(1)));
        }
        if (effect == StatementEffect.REMOVED) {
            return new DifferingRows(byTransaction, List.of(), false);
        }
        if (known.knowledge() == Knowledge.NONE) {
            // Of several, none is more likely the one of the loss than the others.
            List<String> only = byTransaction.size() == 1 ? List.copyOf(byTransaction.keySet()) : List.of();
            return new DifferingRows(byTransaction, only, !only.isEmpty());
        }
        return new DifferingRows(byTransaction, known.among(byTransaction.keySet()), false);
    }

    long count() {
        return byTransaction.values().stream().mapToLong(Long::longValue).sum();
    }

    /** How many of them are as the statement left them. */
    long asLeft() {
        return madeBy(Set.copyOf(statement));
    }

    /** How many of them these transactions made. */
    long madeBy(Set<String> transactions) {
        return transactions.stream()
                .mapToLong(own -> byTransaction.getOrDefault(own, 0L))
                .sum();
    }

    /** How many others there are. */
    long since() {
        return count() - asLeft();
    }

    /** A condition for those that are as the statement left them. */
    String isAsLeft() {
        return StatementTransactions.made(statement);
    }
}
