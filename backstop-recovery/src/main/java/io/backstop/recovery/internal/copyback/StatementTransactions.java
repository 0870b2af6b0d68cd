package io.backstop.recovery.internal.copyback;

import io.backstop.api.internal.postgres.SqlSpelling;
import io.backstop.api.internal.postgres.TransactionIds;
import io.backstop.recovery.internal.select.LaterStatements;
import io.backstop.recovery.internal.sql.RowTransactions;
import io.backstop.recovery.model.RestoredTable;
import io.backstop.snapshot.archive.CommitMark;

import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The transactions that the rows which the lost statement made name as theirs ({@code xmin}, PostgreSQL documentation, 5.5).
 * Immutable.
 *
 * @param numbers as {@code xmin} has them
 * @param knowledge what they tell of a row that names another one
 * @param oldest rows of older transactions were there as they are when the statement had run; of a snapshot whose mark does not
 *     tell it, the statement's own transaction, which those that began before and wrote later may be older than
 * @param alone whether no other statement made rows under these numbers, be it one of the same transaction
 */
record StatementTransactions(Set<String> numbers, Knowledge knowledge, Optional<String> oldest, boolean alone) {
    enum Knowledge {
        /** They are all: a row that names another one was written since. */
        ALL,
        /**
         * They are some: the statement may have run in a subtransaction, whose number is not known, so that a row which names
         * another one may be the statement's or not.
         */
        SOME,
        /** No statement is known. */
        NONE
    }

    StatementTransactions {
        numbers = Set.copyOf(numbers);
    }

    static StatementTransactions of(RestoredTable restored) {
        CommitMark mark = restored.mark();
        Set<String> all = mark.rowsTransactionIds();
        Optional<String> top = restored.manifest().transactionId().map(TransactionIds::inRows);
        Optional<String> oldest = mark.oldestRunning().or(() -> top);
        if (!all.isEmpty()) {
            boolean alone = mark.ownTransactionIds().containsAll(all);
            return new StatementTransactions(all, Knowledge.ALL, oldest, alone);
        }
        return top.map(some -> new StatementTransactions(Set.of(some), Knowledge.SOME, oldest, false))
                .orElseGet(() -> new StatementTransactions(Set.of(), Knowledge.NONE, oldest, false));
    }

    /** With those of later statements, whose rows are to be as they were before the first. */
    StatementTransactions and(LaterStatements later) {
        if (later.transactionIds().isEmpty()) {
            return this;
        }
        Set<String> all = new HashSet<>(numbers);
        all.addAll(later.transactionIds());
        return new StatementTransactions(all, knowledge == Knowledge.NONE ? Knowledge.SOME : knowledge, oldest, false);
    }

    boolean areAllKnown() {
        return knowledge == Knowledge.ALL;
    }

    /** Those of them that are among these. */
    List<String> among(Collection<String> transactions) {
        return transactions.stream().filter(numbers::contains).toList();
    }

    /** A condition for rows, as {@code present}, that one of them made. */
    String made() {
        return made(numbers);
    }

    /** A condition for rows, as {@code present}, that may not have been there as they are when the statement had run. */
    String madeOrLater() {
        return oldest.map(RowTransactions::notBefore).orElse("true");
    }

    /** A condition for rows, as {@code present}, that one of these transactions made. */
    static String made(Collection<String> numbers) {
        return numbers.isEmpty()
                ? "false"
                : numbers.stream()
                        .sorted()
                        .map(SqlSpelling::literal)
                        .collect(Collectors.joining(", ", "present.xmin IN (", ")"));
    }
}
