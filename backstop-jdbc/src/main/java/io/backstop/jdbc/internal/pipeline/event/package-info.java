/** Delivers events to listeners. */
@NullMarked
package io.backstop.jdbc.internal.pipeline.event;

import org.jspecify.annotations.NullMarked;
