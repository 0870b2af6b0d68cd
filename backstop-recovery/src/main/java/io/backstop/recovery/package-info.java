/**
 * Brings rows back: a stored snapshot becomes a table beside the lost one ({@link io.backstop.recovery.Restore}), is
 * compared with what was stored ({@link io.backstop.recovery.model.Validation}), and a script for review puts it where
 * the rows are missed ({@link io.backstop.recovery.model.CopybackPlan}).
 */
@NullMarked
package io.backstop.recovery;

import org.jspecify.annotations.NullMarked;
