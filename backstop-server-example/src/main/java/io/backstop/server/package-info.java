/** An HTTP server that lets operators use the control store. */
@NullMarked
package io.backstop.server;

import org.jspecify.annotations.NullMarked;
