/** The state that all processes share: approvals, pause, quarantine, audit, heartbeats, budgets, the catalogue of snapshots. */
package io.backstop.api.control;
