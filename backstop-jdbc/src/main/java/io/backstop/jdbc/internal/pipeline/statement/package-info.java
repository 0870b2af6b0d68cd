/** The statement that travels through the pipeline. */
@NullMarked
package io.backstop.jdbc.internal.pipeline.statement;

import org.jspecify.annotations.NullMarked;
