/** The state that all processes share: approvals, pause, quarantine, audit, heartbeats, the catalogue of snapshots. */
package io.backstop.api.control;
