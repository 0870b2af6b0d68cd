/** What a snapshot is and the port through which the guard has one taken. The engine is in backstop-snapshot. */
package io.backstop.api.snapshot;
