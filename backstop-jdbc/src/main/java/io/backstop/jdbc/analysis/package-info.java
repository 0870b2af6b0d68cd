/**
 * Reads SQL text and says what it would do. {@link io.backstop.jdbc.analysis.SqlAnalyzer} is the entry; everything below
 * is pure: no connection, no catalog, no policy. The sub-packages are not API.
 */
@NullMarked
package io.backstop.jdbc.analysis;

import org.jspecify.annotations.NullMarked;
