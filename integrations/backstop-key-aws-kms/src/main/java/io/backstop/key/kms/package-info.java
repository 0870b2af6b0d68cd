/** Keys in the AWS Key Management Service. */
@NullMarked
package io.backstop.key.kms;

import org.jspecify.annotations.NullMarked;
