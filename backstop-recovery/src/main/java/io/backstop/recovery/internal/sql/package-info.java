/** How a recovery talks to the server: its transaction, its errors, its parallel work. */
@NullMarked
package io.backstop.recovery.internal.sql;

import org.jspecify.annotations.NullMarked;
