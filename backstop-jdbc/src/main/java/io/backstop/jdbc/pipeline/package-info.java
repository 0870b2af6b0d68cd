/**
 * The one path of a statement: analyse, judge, record, approve, snapshot, execute, record the outcome. Everything that a
 * caller is refused is refused here. The JDBC objects that lead into it are in {@code io.backstop.jdbc.guard}.
 */
@NullMarked
package io.backstop.jdbc.pipeline;

import org.jspecify.annotations.NullMarked;
