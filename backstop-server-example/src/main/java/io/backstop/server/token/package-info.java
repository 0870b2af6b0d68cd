/** Reads bearer tokens and their scopes from a file. */
@NullMarked
package io.backstop.server.token;

import org.jspecify.annotations.NullMarked;
