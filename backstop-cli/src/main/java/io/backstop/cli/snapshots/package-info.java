/** Commands that take, list, verify or prune snapshots. */
@NullMarked
package io.backstop.cli.snapshots;

import org.jspecify.annotations.NullMarked;
