/** Parts that all endpoints share: authentication, parameters, bodies, errors. */
@NullMarked
package io.backstop.server.internal.http;

import org.jspecify.annotations.NullMarked;
