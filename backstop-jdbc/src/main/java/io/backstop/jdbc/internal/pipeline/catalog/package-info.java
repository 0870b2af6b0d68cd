/** What the names of a text mean in the connected database, as far as the user's code runs by them. */
@NullMarked
package io.backstop.jdbc.internal.pipeline.catalog;

import org.jspecify.annotations.NullMarked;
