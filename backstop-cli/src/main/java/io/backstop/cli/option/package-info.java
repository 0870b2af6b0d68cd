/** Options that several command families share. */
@NullMarked
package io.backstop.cli.option;

import org.jspecify.annotations.NullMarked;
