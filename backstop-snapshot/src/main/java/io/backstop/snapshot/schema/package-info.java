/** Tables without their rows, as data. */
@NullMarked
package io.backstop.snapshot.schema;

import org.jspecify.annotations.NullMarked;
