/** The {@code serve} command. */
@NullMarked
package io.backstop.cli.serve;

import org.jspecify.annotations.NullMarked;
