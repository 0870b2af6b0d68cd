/**
 * Text into tokens, tokens into statements, by the rules of PostgreSQL's own lexer (documentation, 4.1;
 * src/backend/parser/scan.l).
 */
@NullMarked
package io.backstop.jdbc.internal.analysis.scan;

import org.jspecify.annotations.NullMarked;
