/** SQL as text: quoting, free names, scripts. */
@NullMarked
package io.backstop.recovery.internal.text;

import org.jspecify.annotations.NullMarked;
