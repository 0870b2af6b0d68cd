/** The keys that snapshots are encrypted and authenticated with. */
@NullMarked
package io.backstop.snapshot.key;

import org.jspecify.annotations.NullMarked;
