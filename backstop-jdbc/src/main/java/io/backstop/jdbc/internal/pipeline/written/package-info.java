/** Which tables a session's transaction has written to, as the server's locks and statistics tell. */
@NullMarked
package io.backstop.jdbc.internal.pipeline.written;

import org.jspecify.annotations.NullMarked;
