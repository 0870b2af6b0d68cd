/** Puts back what belongs to a schema and to no table of it. */
@NullMarked
package io.backstop.recovery.internal.schema;

import org.jspecify.annotations.NullMarked;
