/** Deciding requests for approval. */
@NullMarked
package io.backstop.jdbc.approval;

import org.jspecify.annotations.NullMarked;
