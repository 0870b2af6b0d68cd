/**
 * The JDBC objects that an application holds. {@code Delegating…} classes pass every method on and decide nothing;
 * {@code Guarded…} classes above them lead everything that executes into the pipeline, and hand out nothing that leads
 * around it.
 */
@NullUnmarked // JDBC's own null rules apply
package io.backstop.jdbc.guard;

import org.jspecify.annotations.NullUnmarked;
