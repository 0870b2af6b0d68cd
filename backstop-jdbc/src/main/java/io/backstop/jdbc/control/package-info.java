/**
 * The control store on SQLite: approvals, pause, quarantine, audit and the catalogue of snapshots in one file that several
 * processes of one host share.
 */
@NullMarked
package io.backstop.jdbc.control;

import org.jspecify.annotations.NullMarked;
