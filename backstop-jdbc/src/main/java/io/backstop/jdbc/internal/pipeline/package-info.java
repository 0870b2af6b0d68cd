/**
 * The one path of a statement: analyse, judge, record, approve, snapshot, execute, record the outcome. Every refusal
 * is decided here.
 */
@NullMarked
package io.backstop.jdbc.internal.pipeline;

import org.jspecify.annotations.NullMarked;
