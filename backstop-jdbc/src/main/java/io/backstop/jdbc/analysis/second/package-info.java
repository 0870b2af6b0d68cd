/** JSqlParser as a second reader, under a budget. It is not on the path of a statement; docs/adr says why. */
@NullMarked
package io.backstop.jdbc.analysis.second;

import org.jspecify.annotations.NullMarked;
