/**
 * Commands that bring rows back: {@code recover}, {@code restore}, {@code restore-validate}, {@code restore-copyback-
 * plan}.
 */
@NullMarked
package io.backstop.cli.restore;

import org.jspecify.annotations.NullMarked;
