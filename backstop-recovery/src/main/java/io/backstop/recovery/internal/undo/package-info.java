/** The steps by which a statement is undone in the tables that it changed. */
@NullMarked
package io.backstop.recovery.internal.undo;

import org.jspecify.annotations.NullMarked;
