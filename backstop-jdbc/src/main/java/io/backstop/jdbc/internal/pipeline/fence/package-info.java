/** Runs SAFE statements where the server itself refuses every change. */
@NullMarked
package io.backstop.jdbc.internal.pipeline.fence;

import org.jspecify.annotations.NullMarked;
