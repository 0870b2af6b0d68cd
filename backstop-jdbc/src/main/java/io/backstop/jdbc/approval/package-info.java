/** Decides requests for approval by the same rules for every caller. */
@NullMarked
package io.backstop.jdbc.approval;

import org.jspecify.annotations.NullMarked;
