/** The caller's session while rows are captured: its settings, its visibility, its helper connection. */
@NullMarked
package io.backstop.snapshot.internal.session;

import org.jspecify.annotations.NullMarked;
