/** Keys in the transit engine of HashiCorp Vault. */
@NullMarked
package io.backstop.key.vault;

import org.jspecify.annotations.NullMarked;
