/** The JDBC objects that an application holds: they lead everything that executes into the pipeline. */
@NullUnmarked // JDBC's own null rules apply
package io.backstop.jdbc.internal.guard;

import org.jspecify.annotations.NullUnmarked;
