/** Reads policies, and judges assessed statements by them, without a side effect. */
@NullMarked
package io.backstop.jdbc.policy;

import org.jspecify.annotations.NullMarked;
