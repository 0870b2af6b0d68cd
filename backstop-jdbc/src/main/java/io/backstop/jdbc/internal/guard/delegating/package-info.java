/** JDBC objects that pass every method on, unchanged; the classes that extend them decide. */
@NullUnmarked // JDBC's own null rules apply
package io.backstop.jdbc.internal.guard.delegating;

import org.jspecify.annotations.NullUnmarked;
