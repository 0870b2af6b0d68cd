/** Copies rows of locked tables into stored chunks. */
@NullMarked
package io.backstop.snapshot.internal.copy;

import org.jspecify.annotations.NullMarked;
