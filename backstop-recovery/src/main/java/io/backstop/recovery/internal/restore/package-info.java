/** The steps of a restore: stage, load, index, publish. */
@NullMarked
package io.backstop.recovery.internal.restore;

import org.jspecify.annotations.NullMarked;
