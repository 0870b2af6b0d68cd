/** Commands that work on the control store: approvals, audit, pause, resume, status. */
@NullMarked
package io.backstop.cli.control;

import org.jspecify.annotations.NullMarked;
