/** The approval hook over the control store. */
@NullMarked
package io.backstop.jdbc.internal.approval;

import org.jspecify.annotations.NullMarked;
