/** The entry for applications: the driver, the data source, the builder of guards. */
@NullMarked
package io.backstop.jdbc;

import org.jspecify.annotations.NullMarked;
