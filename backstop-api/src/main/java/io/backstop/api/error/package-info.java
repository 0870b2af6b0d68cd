/**
 * The refusals of Backstop, one type for each SQLSTATE of its class ZB. A refusal comes before the statement is sent,
 * or after its effect was rolled back to a savepoint, so that the caller's transaction stays usable.
 */
package io.backstop.api.error;
