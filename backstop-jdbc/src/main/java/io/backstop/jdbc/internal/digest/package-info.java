/** Message digests. */
@NullMarked
package io.backstop.jdbc.internal.digest;

import org.jspecify.annotations.NullMarked;
