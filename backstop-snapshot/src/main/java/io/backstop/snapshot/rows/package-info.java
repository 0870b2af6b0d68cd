/** Reads the rows of tables as COPY writes them, in bounded memory. */
@NullMarked
package io.backstop.snapshot.rows;

import org.jspecify.annotations.NullMarked;
