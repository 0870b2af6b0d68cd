/** Stored snapshots: their names, manifests and chunks, written by the capture and read by the recovery. */
@NullMarked
package io.backstop.snapshot.archive;

import org.jspecify.annotations.NullMarked;
