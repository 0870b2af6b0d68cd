/** Operators' keys, by which a guard knows that a decision is theirs. */
@NullMarked
package io.backstop.jdbc.operator;

import org.jspecify.annotations.NullMarked;
