package io.backstop.snapshot.internal.lock;

import io.backstop.snapshot.internal.session.Relation;

import java.util.List;

/** Which rows of tables are copied, where not all of them are. */
public interface RowSelection {
    /** Whether of this table nothing but selected rows is meant. */
    boolean only(Relation table);

    /** Whether of this table no row is meant, but what it is made of. */
    default boolean none(Relation table) {
        return false;
    }

    /** Conditions that together are true of the table's selected rows, each of them once, for one that is among them. */
    List<String> conditions(Relation table);
}
