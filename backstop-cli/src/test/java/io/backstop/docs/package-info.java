/** Compiles, parses or runs whatever the documentation shows. */
@NullMarked
package io.backstop.docs;

import org.jspecify.annotations.NullMarked;
