/** Runs a destructive statement behind a verified snapshot. */
@NullMarked
package io.backstop.jdbc.internal.pipeline.secure;

import org.jspecify.annotations.NullMarked;
