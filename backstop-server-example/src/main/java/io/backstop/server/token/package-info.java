/** Bearer tokens with their scopes, read from a file. */
@NullMarked
package io.backstop.server.token;

import org.jspecify.annotations.NullMarked;
