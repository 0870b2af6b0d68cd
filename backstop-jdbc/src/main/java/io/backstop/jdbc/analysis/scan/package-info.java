/**
 * Text into tokens and tokens into statements, by the rules of PostgreSQL's own lexer (documentation, 4.1;
 * src/backend/parser/scan.l). What a statement means is not known here.
 */
@NullMarked
package io.backstop.jdbc.analysis.scan;

import org.jspecify.annotations.NullMarked;
