/** Readers of what a query is made of: SELECT, INSERT, UPDATE, DELETE, MERGE, their expressions. */
@NullMarked
package io.backstop.jdbc.internal.analysis.query;

import org.jspecify.annotations.NullMarked;
