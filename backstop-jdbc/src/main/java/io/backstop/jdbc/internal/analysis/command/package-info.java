/**
 * One reader for each family of SQL commands. Each either understands its statement or throws {@link
 * io.backstop.jdbc.internal.analysis.grammar.NotUnderstoodException}.
 */
@NullMarked
package io.backstop.jdbc.internal.analysis.command;

import org.jspecify.annotations.NullMarked;
