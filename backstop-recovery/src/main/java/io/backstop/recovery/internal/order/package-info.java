/** The order in which things that need each other can be made. */
@NullMarked
package io.backstop.recovery.internal.order;

import org.jspecify.annotations.NullMarked;
