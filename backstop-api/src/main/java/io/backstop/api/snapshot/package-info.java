/** Snapshots as the guard sees them: the manifest, the port through which they are taken. */
package io.backstop.api.snapshot;
