/** What each thing that a statement can do means for its risk: the rules, as data. Each has a page in docs/rules. */
@NullMarked
package io.backstop.jdbc.analysis.rule;

import org.jspecify.annotations.NullMarked;
