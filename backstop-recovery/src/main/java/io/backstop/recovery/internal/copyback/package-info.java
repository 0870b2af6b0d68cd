/** Writes the script that puts restored tables back where their rows are missed. */
@NullMarked
package io.backstop.recovery.internal.copyback;

import org.jspecify.annotations.NullMarked;
