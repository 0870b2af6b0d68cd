/** {@code backstop analyze}: what SQL would do, told to people, to a CI and to programs. */
@NullMarked
package io.backstop.cli.analyze;

import org.jspecify.annotations.NullMarked;
