/** {@code backstop operators}: who may approve. */
@NullMarked
package io.backstop.cli.operators;

import org.jspecify.annotations.NullMarked;
