/**
 * Rows back: a stored snapshot becomes a table beside the lost one ({@link io.backstop.recovery.Restore}), is compared
 * with what was stored ({@link io.backstop.recovery.model.Validation}), and a reviewable script takes it from there to where
 * the rows are missed ({@link io.backstop.recovery.model.CopybackPlan}). Nothing here changes a table that somebody uses, and
 * nothing prints.
 */
@NullMarked
package io.backstop.recovery;

import org.jspecify.annotations.NullMarked;
