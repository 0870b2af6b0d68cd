/** {@code backstop doctor}: whether what Backstop needs is there, and what would go round it. */
@NullMarked
package io.backstop.cli.doctor;

import org.jspecify.annotations.NullMarked;
