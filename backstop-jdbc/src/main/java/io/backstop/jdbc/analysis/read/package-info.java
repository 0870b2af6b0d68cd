/**
 * The recogniser: what a statement is, what it touches and which rules that fires. One reader per family of commands.
 * Every reader either understands its statement or throws {@link io.backstop.jdbc.analysis.read.NotUnderstoodException}.
 */
@NullMarked
package io.backstop.jdbc.analysis.read;

import org.jspecify.annotations.NullMarked;
