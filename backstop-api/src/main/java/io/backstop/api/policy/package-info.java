/** Policies: the rules that an operator sets, the verdict on one statement. */
package io.backstop.api.policy;
