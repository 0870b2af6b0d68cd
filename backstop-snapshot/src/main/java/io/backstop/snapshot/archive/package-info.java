/** Stored snapshots: their names, manifests and chunks. */
@NullMarked
package io.backstop.snapshot.archive;

import org.jspecify.annotations.NullMarked;
