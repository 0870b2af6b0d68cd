/** How commands print results, progress, failures. */
@NullMarked
package io.backstop.cli.output;

import org.jspecify.annotations.NullMarked;
