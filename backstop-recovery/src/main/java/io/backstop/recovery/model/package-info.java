/** Requests to a recovery, and its reports. */
@NullMarked
package io.backstop.recovery.model;

import org.jspecify.annotations.NullMarked;
