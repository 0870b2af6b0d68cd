/** The state that all readers of one statement share. */
@NullMarked
package io.backstop.jdbc.internal.analysis.grammar;

import org.jspecify.annotations.NullMarked;
