package io.backstop.jdbc.policy;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/** The keys of a policy file. Their names are permanent. */
enum PolicyKey {
    REQUIRE_APPROVAL_FOR_RISKS,
    BLOCK_OPERATIONS,
    REQUIRE_RECOVERY_FOR_CRITICAL,
    BLOCK_UNKNOWN_OR_PARSE_FAILURE,
    BLOCK_UNRECOVERABLE_OPERATIONS,
    SNAPSHOT_MODE,
    MAX_INLINE_SNAPSHOT_BYTES,
    MAX_SNAPSHOT_AGE_SECONDS,
    REQUIRE_SIDECAR_HEARTBEAT,
    MAX_SIDECAR_HEARTBEAT_SECONDS,
    IMPACT_ANALYSIS_ENABLED,
    MAX_WRITE_ROWS_WITHOUT_CRITICAL,
    MAX_WRITE_PERCENT_WITHOUT_CRITICAL,
    WRITE_BUDGET,
    PROTECTED_TABLES,
    PROTECTED_COLUMNS,
    RECOVERY_GROUPS,
    COVER_WRITES,
    MAX_BLOCKED_ATTEMPTS_PER_WINDOW,
    DANGEROUS_RETRY_WINDOW_SECONDS,
    QUARANTINE_DURATION_SECONDS,
    QUARANTINE_BLOCKS_SAFE_QUERIES,
    READ_FENCE,
    AUDIT_PARAMETERS,
    APPROVAL_SAMPLE_ROWS;

    /** As the file writes it: {@code snapshot_mode}. */
    String key() {
        return name().toLowerCase(Locale.ROOT);
    }

    static Optional<PolicyKey> of(String key) {
        return Arrays.stream(values()).filter(known -> known.key().equals(key)).findFirst();
    }

    static String all() {
        return Arrays.stream(values()).map(PolicyKey::key).collect(Collectors.joining(", "));
    }
}
