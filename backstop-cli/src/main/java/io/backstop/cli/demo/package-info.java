/** {@code backstop demo}: a table is lost and brought back on a real PostgreSQL, nothing of it simulated. */
@NullMarked
package io.backstop.cli.demo;

import org.jspecify.annotations.NullMarked;
