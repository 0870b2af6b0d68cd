/** Objects in S3, or in a server that speaks its language. */
@NullMarked
package io.backstop.store.s3;

import org.jspecify.annotations.NullMarked;
