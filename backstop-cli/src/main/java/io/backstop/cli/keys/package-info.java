/** The {@code keys} commands. */
@NullMarked
package io.backstop.cli.keys;

import org.jspecify.annotations.NullMarked;
