/** Records statements in the audit log. */
@NullMarked
package io.backstop.jdbc.internal.pipeline.audit;

import org.jspecify.annotations.NullMarked;
