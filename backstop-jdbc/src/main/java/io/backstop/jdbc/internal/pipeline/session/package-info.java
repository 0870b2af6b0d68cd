/** A guarded connection's state: its turn, its transaction, its cancellation. */
@NullMarked
package io.backstop.jdbc.internal.pipeline.session;

import org.jspecify.annotations.NullMarked;
