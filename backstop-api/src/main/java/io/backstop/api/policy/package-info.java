/** The rules an operator sets, and what follows from them for one statement. Reading a policy file is in backstop-jdbc. */
package io.backstop.api.policy;
