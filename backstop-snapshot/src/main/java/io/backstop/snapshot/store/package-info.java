/** Where snapshots are kept: objects under names, in a folder or in S3. Knows nothing of tables. */
@NullMarked
package io.backstop.snapshot.store;

import org.jspecify.annotations.NullMarked;
