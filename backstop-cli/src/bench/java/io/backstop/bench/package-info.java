/** Benchmarks of whole commands against PostgreSQL's own tools, in one run. Not part of the product. */
@NullMarked
package io.backstop.bench;

import org.jspecify.annotations.NullMarked;
