/** What one statement names, read again from its text for a question to the server. */
@NullMarked
package io.backstop.jdbc.internal.analysis.detail;

import org.jspecify.annotations.NullMarked;
