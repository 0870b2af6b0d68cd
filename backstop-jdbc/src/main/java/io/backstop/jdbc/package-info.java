/**
 * What an application sees of Backstop: the driver and the data source that take {@code jdbc:backstop:postgresql:} URLs,
 * and {@link io.backstop.jdbc.Backstop} for building a guard in code.
 */
@NullMarked
package io.backstop.jdbc;

import org.jspecify.annotations.NullMarked;
