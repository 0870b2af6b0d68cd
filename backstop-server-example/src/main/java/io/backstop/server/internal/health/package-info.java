/** How the parts are that statements depend on. */
@NullMarked
package io.backstop.server.internal.health;

import org.jspecify.annotations.NullMarked;
