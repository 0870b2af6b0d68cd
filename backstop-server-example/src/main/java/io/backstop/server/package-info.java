/**
 * The HTTP endpoints for operators: who may do what, and JSON in and out. What the endpoints do is done by the control
 * store and the snapshot archive; nothing is decided here.
 */
@NullMarked
package io.backstop.server;

import org.jspecify.annotations.NullMarked;
