/** The control store on SQLite: one file for the processes of one host. */
@NullMarked
package io.backstop.jdbc.control;

import org.jspecify.annotations.NullMarked;
