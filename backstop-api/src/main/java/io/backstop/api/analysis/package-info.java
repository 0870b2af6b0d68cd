/** The meaning of a statement's text: its risk, its operations, the objects that it names. */
package io.backstop.api.analysis;
