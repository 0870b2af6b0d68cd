/** The command that undoes one statement. */
@NullMarked
package io.backstop.cli.undo;

import org.jspecify.annotations.NullMarked;
