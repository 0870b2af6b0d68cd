/** Finds every relation that a statement takes rows from. */
@NullMarked
package io.backstop.snapshot.internal.reach;

import org.jspecify.annotations.NullMarked;
