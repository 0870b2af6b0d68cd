/** Where snapshots are kept: objects under names, in a folder or where a provider finds them. Knows nothing of tables. */
@NullMarked
package io.backstop.snapshot.store;

import org.jspecify.annotations.NullMarked;
