/** Reading of files that administrators write. */
@NullMarked
package io.backstop.jdbc.internal.file;

import org.jspecify.annotations.NullMarked;
