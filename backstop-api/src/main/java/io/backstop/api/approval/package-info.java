/** A human's yes or no to one statement: what is asked, what was answered, and the port through which to ask. */
package io.backstop.api.approval;
