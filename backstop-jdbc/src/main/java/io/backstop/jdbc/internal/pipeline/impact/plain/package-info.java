/** Writes of one table by which nothing else happens, so that the server's answer says all that they changed. */
@NullMarked
package io.backstop.jdbc.internal.pipeline.impact.plain;

import org.jspecify.annotations.NullMarked;
