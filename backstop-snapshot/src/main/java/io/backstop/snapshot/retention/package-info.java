/**
 * Which snapshots have had their time, and their removal. Decides by manifests and listings; knows nothing of what is in
 * a snapshot, nor where approvals are kept.
 */
@NullMarked
package io.backstop.snapshot.retention;

import org.jspecify.annotations.NullMarked;
