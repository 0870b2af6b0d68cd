/** Tells whether protected columns keep their names and their values. */
@NullMarked
package io.backstop.jdbc.internal.pipeline.impact.columns;

import org.jspecify.annotations.NullMarked;
