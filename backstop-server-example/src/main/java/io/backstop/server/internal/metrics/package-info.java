/** Figures for Prometheus. */
@NullMarked
package io.backstop.server.internal.metrics;

import org.jspecify.annotations.NullMarked;
