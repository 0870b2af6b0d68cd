/**
 * What reading a statement's text found out: its risk, what it would do and to which objects. Values only; the reader
 * itself is in backstop-jdbc.
 */
package io.backstop.api.analysis;
