/** Saves rows of PostgreSQL before a statement destroys them. */
@NullMarked
package io.backstop.snapshot.capture;

import org.jspecify.annotations.NullMarked;
