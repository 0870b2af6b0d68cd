/** The audit log: its events, its records, the port that takes them. */
package io.backstop.api.audit;
