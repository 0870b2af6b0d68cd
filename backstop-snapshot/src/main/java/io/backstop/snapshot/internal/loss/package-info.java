/** Finds what a statement destroyed beyond what was captured. */
@NullMarked
package io.backstop.snapshot.internal.loss;

import org.jspecify.annotations.NullMarked;
