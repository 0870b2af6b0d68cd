/** Locks what a statement reaches before its rows are copied. */
@NullMarked
package io.backstop.snapshot.internal.lock;

import org.jspecify.annotations.NullMarked;
