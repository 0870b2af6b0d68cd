/** Tests of the analysis against its rules, PostgreSQL itself, and statements that mean harm. */
@NullMarked
package io.backstop.jdbc.analysis;

import org.jspecify.annotations.NullMarked;
