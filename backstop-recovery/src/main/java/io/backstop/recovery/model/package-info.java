/** What a recovery is asked for, and what it reports. */
@NullMarked
package io.backstop.recovery.model;

import org.jspecify.annotations.NullMarked;
