/** The state that all processes share: approvals, pause, quarantine, audit, and the catalogue of snapshots. */
package io.backstop.api.control;
