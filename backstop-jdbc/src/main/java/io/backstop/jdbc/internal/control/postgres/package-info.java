/** The control store as a schema of a PostgreSQL database, for the processes of many hosts. */
@NullMarked
package io.backstop.jdbc.internal.control.postgres;

import org.jspecify.annotations.NullMarked;
