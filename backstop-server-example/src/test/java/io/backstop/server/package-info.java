@NullMarked
package io.backstop.server;

import org.jspecify.annotations.NullMarked;
