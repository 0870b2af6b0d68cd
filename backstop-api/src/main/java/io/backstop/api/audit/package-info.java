/** What was decided and what came of it, on the record: the events and the port that takes them. */
package io.backstop.api.audit;
