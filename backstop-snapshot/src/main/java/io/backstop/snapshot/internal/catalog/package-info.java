/** The catalog queries behind a description, written for PostgreSQL 14 to 18. */
@NullMarked
package io.backstop.snapshot.internal.catalog;

import org.jspecify.annotations.NullMarked;
