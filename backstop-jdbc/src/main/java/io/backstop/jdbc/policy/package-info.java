/** Reading a policy, and judging an assessed statement by it. The judging is pure: nothing here runs or refuses anything. */
@NullMarked
package io.backstop.jdbc.policy;

import org.jspecify.annotations.NullMarked;
