package io.backstop.jdbc.internal.pipeline.statement;

import io.backstop.api.analysis.RelationName;

import java.sql.SQLException;
import java.util.Collection;

/**
 * The rows that an ordinary write changes, as they were before, kept so that it can be undone. Belongs to one write, which may
 * be tried several times.
 */
public interface BeforeImages {
    /** Of a write of which nothing is kept. */
    BeforeImages NONE = new BeforeImages() {};

    /** Whether it is worth another try to store them. */
    default boolean wanted() {
        return false;
    }

    /**
     * Stores them, in the transaction of the write and before it runs.
     *
     * @param ownTransaction whether that ends with the write
     * @return false where nothing is stored; the transaction has to be taken back to where it was
     * @throws SQLException where the write must not run
     */
    default boolean store(boolean ownTransaction) throws SQLException {
        return false;
    }

    /** Whether the write has changed the stored rows, and no other one of their table. */
    default boolean areExact() throws SQLException {
        return true;
    }

    /**
     * The write is about to be kept.
     *
     * @param changed the tables of which it changed rows that were there
     */
    default void keeping(boolean ownTransaction, Collection<RelationName> changed) throws SQLException {}

    /** The write is kept: in the caller's transaction, or for good where that was its own. */
    default void kept(boolean ownTransaction) {}

    /** The write was undone, or not run. What cannot be removed is added to why. */
    default void discard(Exception why) {}
}
