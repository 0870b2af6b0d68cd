/** Compares a restored table with its snapshot. */
@NullMarked
package io.backstop.recovery.internal.validate;

import org.jspecify.annotations.NullMarked;
