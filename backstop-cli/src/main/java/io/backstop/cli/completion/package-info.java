/** The {@code completion} command. */
@NullMarked
package io.backstop.cli.completion;

import org.jspecify.annotations.NullMarked;
