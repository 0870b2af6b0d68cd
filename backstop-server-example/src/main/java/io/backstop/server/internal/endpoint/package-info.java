/** The endpoints and the JSON objects of their answers. */
@NullMarked
package io.backstop.server.internal.endpoint;

import org.jspecify.annotations.NullMarked;
