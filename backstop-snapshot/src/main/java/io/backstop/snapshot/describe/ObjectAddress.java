package io.backstop.snapshot.describe;

/**
 * An object of the database that is no column, as {@code pg_depend} names it (PostgreSQL documentation, 53.18).
 * Immutable, thread-safe.
 *
 * @param catalog the oid of the catalog that it stands in
 * @param oid its oid there
 */
public record ObjectAddress(long catalog, long oid) {}
