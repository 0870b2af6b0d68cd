/** What a table is apart from its rows: read from the catalog here, rebuilt in backstop-recovery. */
@NullMarked
package io.backstop.snapshot.schema;

import org.jspecify.annotations.NullMarked;
