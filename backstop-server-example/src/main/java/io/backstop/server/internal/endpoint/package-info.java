/** The endpoints, with the JSON that they answer. */
@NullMarked
package io.backstop.server.internal.endpoint;

import org.jspecify.annotations.NullMarked;
