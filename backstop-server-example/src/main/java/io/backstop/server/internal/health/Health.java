package io.backstop.server.internal.health;

import java.util.Locale;
import java.util.Optional;

/**
 * How the parts are, as {@code GET /metadata/health} answers. Immutable, thread-safe.
 *
 * @param gateway {@code healthy}, or {@code degraded} where a part cannot be used without which statements are refused
 * @param sidecarStatus {@code healthy}, {@code stale}, or {@code missing} where none ever gave a sign of life
 * @param sidecarHeartbeatAgeSeconds empty where there was none
 * @param lastSnapshotAgeSeconds by the catalogue of the control store; empty where it lists none
 * @param storageAccessible empty where no storage is named
 * @param controlStoreAccessible where it is not, what is read from it is empty
 */
public record Health(
        String gateway,
        String sidecarStatus,
        Optional<Long> sidecarHeartbeatAgeSeconds,
        Optional<Long> lastSnapshotAgeSeconds,
        Optional<Boolean> storageAccessible,
        boolean controlStoreAccessible,
        Optional<Boolean> paused) {

    /** How a sidecar is. */
    enum Sidecar {
        HEALTHY,
        STALE,
        MISSING;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }
}
