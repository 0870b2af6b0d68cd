/**
 * Rows out of PostgreSQL before a statement takes them: what it will reach, the locks, the copy, and the look afterwards.
 * Knows archives and descriptions, and nothing of policies.
 */
@NullMarked
package io.backstop.snapshot.capture;

import org.jspecify.annotations.NullMarked;
