package io.backstop.jdbc.internal.control;

import java.util.List;

/** What the databases that can hold a control store spell differently. Stateless, thread-safe. */
public interface Dialect {
    /** The steps to today's tables, from number 1 on without gaps. A step that was released is never changed. */
    List<Migration> migrations();

    /** A query that gives one row where the table of this name exists, and none where it does not. Its parameter is the name. */
    String tableNamed();

    /** The order in which rows of a table were inserted, for {@code ORDER BY}. */
    String insertionOrder();
}
