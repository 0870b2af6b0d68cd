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

    /** Before anything was looked at. */
    public static final Health UNKNOWN = new Health(
            "degraded",
            Sidecar.MISSING.toString(),
            Optional.empty(),
            Optional.empty(),
            Optional.empty(),
            false,
            Optional.empty());

    /** The same where the control store cannot be read. */
    static Health withoutStore(Optional<Boolean> storageAccessible) {
        return new Health(
                UNKNOWN.gateway,
                UNKNOWN.sidecarStatus,
                Optional.empty(),
                Optional.empty(),
                storageAccessible,
                false,
                Optional.empty());
    }

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
