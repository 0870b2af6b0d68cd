/** Events of guarded connections, for metrics, alerts or webhooks. */
package io.backstop.api.event;
