/** Reads the description of tables from the catalog. */
@NullMarked
package io.backstop.snapshot.describe;

import org.jspecify.annotations.NullMarked;
