/** The rules as data: what each thing that a statement can do means for its risk. Each has a page in docs/rules. */
@NullMarked
package io.backstop.jdbc.internal.analysis.rule;

import org.jspecify.annotations.NullMarked;
