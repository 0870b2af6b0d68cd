/** Asking the session what a statement comes to, where its text alone says the worst. */
@NullMarked
package io.backstop.jdbc.internal.pipeline.lookup;

import org.jspecify.annotations.NullMarked;
