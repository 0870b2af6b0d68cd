/** The {@code backstop} command. Each subcommand reads its options, calls one part, and prints what came of it. */
@NullMarked
package io.backstop.cli;

import org.jspecify.annotations.NullMarked;
