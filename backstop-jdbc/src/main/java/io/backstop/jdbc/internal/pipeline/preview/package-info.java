/** Looking ahead at what a held statement would do. */
@NullMarked
package io.backstop.jdbc.internal.pipeline.preview;

import org.jspecify.annotations.NullMarked;
