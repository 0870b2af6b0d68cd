@NullMarked
package io.backstop.cli;

import org.jspecify.annotations.NullMarked;
