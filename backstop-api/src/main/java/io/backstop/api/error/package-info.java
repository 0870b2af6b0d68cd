/**
 * The refusals of Backstop: one type for each SQLSTATE of its class ZB. A refusal is always raised before the statement
 * reaches the server, or after its effect was rolled back to a savepoint, so that the caller's transaction survives it.
 */
package io.backstop.api.error;
