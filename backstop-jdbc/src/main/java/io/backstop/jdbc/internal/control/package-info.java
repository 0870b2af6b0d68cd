/** The control store's tables: one repository for each part, over the dialect of the database that holds them. */
@NullMarked
package io.backstop.jdbc.internal.control;

import org.jspecify.annotations.NullMarked;
