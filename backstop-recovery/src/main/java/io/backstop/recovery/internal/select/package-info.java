/** Chooses the snapshots that a recovery restores. */
@NullMarked
package io.backstop.recovery.internal.select;

import org.jspecify.annotations.NullMarked;
