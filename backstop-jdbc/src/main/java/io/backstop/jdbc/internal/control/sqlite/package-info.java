/** The control store in an SQLite file, which has to stay the store that it was. */
@NullMarked
package io.backstop.jdbc.internal.control.sqlite;

import org.jspecify.annotations.NullMarked;
