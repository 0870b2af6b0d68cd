/** What a statement changed, compared with the limits of the policy. */
@NullMarked
package io.backstop.jdbc.internal.pipeline.impact;

import org.jspecify.annotations.NullMarked;
