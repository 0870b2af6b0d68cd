/** The approval hook that keeps its requests in the control store. */
@NullMarked
package io.backstop.jdbc.approval;

import org.jspecify.annotations.NullMarked;
