package io.backstop.recovery.internal.copyback;

import io.backstop.api.internal.postgres.SqlSpelling;
import io.backstop.api.internal.postgres.TransactionIds;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.recovery.model.RestoredTable;

import java.util.Collection;
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
 * @param oldest the statement's own transaction, below all of its subtransactions
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
        SnapshotManifest manifest = restored.manifest();
        Optional<String> top = manifest.transactionId().map(TransactionIds::inRows);
        return Optional.of(restored.rowsTransactionIds())
                .filter(all -> !all.isEmpty())
                .map(all -> new StatementTransactions(all, Knowledge.ALL, top, isAlone(manifest, all, top)))
                .or(() -> top.map(some -> new StatementTransactions(Set.of(some), Knowledge.SOME, top, false)))
                .orElseGet(() -> new StatementTransactions(Set.of(), Knowledge.NONE, top, false));
    }

    /** In a transaction of the caller's, more statements may have followed, unless this one has a savepoint to itself. */
    private static boolean isAlone(SnapshotManifest manifest, Set<String> numbers, Optional<String> top) {
        return manifest.rowsTransactionId().isPresent()
                || top.filter(numbers::contains).isEmpty();
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

    /** A condition for rows, as {@code present}, that were not there as they are before the statement's transaction began. */
    String madeOrLater() {
        return oldest.map(SqlSpelling::literal)
                .map(number -> "pg_catalog.age(present.xmin) <= pg_catalog.age(" + number + "::xid)")
                .orElse("true");
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
