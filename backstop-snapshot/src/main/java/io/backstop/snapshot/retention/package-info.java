/** Decides which old snapshots go, by their manifests, and removes them. */
@NullMarked
package io.backstop.snapshot.retention;

import org.jspecify.annotations.NullMarked;
