package io.backstop.recovery.internal.sql;

import io.backstop.api.internal.postgres.SqlSpelling;

/** Conditions for rows, as {@code present}, by the transaction that wrote them ({@code xmin}, PostgreSQL documentation, 5.5). Stateless. */
public final class RowTransactions {
    private RowTransactions() {}

    /**
     * That the row's transaction is this one or younger. A row that was written after a statement need not have a younger one
     * than the statement's: ask by the oldest that had not ended.
     */
    public static String notBefore(String transaction) {
        return "pg_catalog.age(present.xmin) <= pg_catalog.age(" + SqlSpelling.literal(transaction) + "::xid)";
    }
}
