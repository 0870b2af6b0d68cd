package io.backstop.jdbc.policy;

import io.backstop.api.policy.CoverWrites;
import io.backstop.api.policy.DisclosureRules;
import io.backstop.api.policy.ImpactRules;
import io.backstop.api.policy.Policy;
import io.backstop.api.policy.QuarantineRules;
import io.backstop.api.policy.ReadFence;
import io.backstop.api.policy.RecentRules;
import io.backstop.api.policy.RecordedValues;
import io.backstop.api.policy.RecoveryRules;
import io.backstop.api.policy.SnapshotMode;
import io.backstop.jdbc.internal.file.SettingsFile;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import static io.backstop.jdbc.policy.PolicyKey.APPROVAL_SAMPLE_ROWS;
import static io.backstop.jdbc.policy.PolicyKey.AUDIT_PARAMETERS;
import static io.backstop.jdbc.policy.PolicyKey.BLOCK_OPERATIONS;
import static io.backstop.jdbc.policy.PolicyKey.BLOCK_UNKNOWN_OR_PARSE_FAILURE;
import static io.backstop.jdbc.policy.PolicyKey.BLOCK_UNRECOVERABLE_OPERATIONS;
import static io.backstop.jdbc.policy.PolicyKey.COVER_WRITES;
import static io.backstop.jdbc.policy.PolicyKey.DANGEROUS_RETRY_WINDOW_SECONDS;
import static io.backstop.jdbc.policy.PolicyKey.IMPACT_ANALYSIS_ENABLED;
import static io.backstop.jdbc.policy.PolicyKey.MAX_BLOCKED_ATTEMPTS_PER_WINDOW;
import static io.backstop.jdbc.policy.PolicyKey.MAX_INLINE_SNAPSHOT_BYTES;
import static io.backstop.jdbc.policy.PolicyKey.MAX_SIDECAR_HEARTBEAT_SECONDS;
import static io.backstop.jdbc.policy.PolicyKey.MAX_SNAPSHOT_AGE_SECONDS;
import static io.backstop.jdbc.policy.PolicyKey.MAX_WRITE_PERCENT_WITHOUT_CRITICAL;
import static io.backstop.jdbc.policy.PolicyKey.MAX_WRITE_ROWS_WITHOUT_CRITICAL;
import static io.backstop.jdbc.policy.PolicyKey.PROTECTED_COLUMNS;
import static io.backstop.jdbc.policy.PolicyKey.PROTECTED_TABLES;
import static io.backstop.jdbc.policy.PolicyKey.QUARANTINE_BLOCKS_SAFE_QUERIES;
import static io.backstop.jdbc.policy.PolicyKey.QUARANTINE_DURATION_SECONDS;
import static io.backstop.jdbc.policy.PolicyKey.READ_FENCE;
import static io.backstop.jdbc.policy.PolicyKey.RECOVERY_GROUPS;
import static io.backstop.jdbc.policy.PolicyKey.REQUIRE_APPROVAL_FOR_RISKS;
import static io.backstop.jdbc.policy.PolicyKey.REQUIRE_RECOVERY_FOR_CRITICAL;
import static io.backstop.jdbc.policy.PolicyKey.REQUIRE_SIDECAR_HEARTBEAT;
import static io.backstop.jdbc.policy.PolicyKey.SNAPSHOT_MODE;
import static io.backstop.jdbc.policy.PolicyKey.WRITE_BUDGET;

/**
 * Reads a policy file: a JSON object with the keys of {@link PolicyKey}, each at most once, none of them required. Keys
 * that a file leaves out have the values of {@link Policy#strict()}. Anything that is not understood is an error that
 * names the key and the line. Stateless, thread-safe.
 */
public final class PolicyReader {
    /** A thousand times what a long policy has. */
    private static final int MAX_BYTES = 4 << 20;

    private static final long MAX_SECONDS = Duration.ofDays(366).toSeconds();

    private final JsonFactory json = JsonFactory.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .build();

    /** @throws InvalidPolicyException where the file cannot be read or is not a policy */
    public Policy read(Path file) throws InvalidPolicyException {
        String text;
        try {
            text = SettingsFile.read(file, MAX_BYTES);
        } catch (IOException e) {
            throw new InvalidPolicyException(
                    "policy " + file + " cannot be read: it has to be a regular file in UTF-8 of at most " + MAX_BYTES
                            + " bytes that this user may read",
                    e);
        }
        return read(text, file.toString());
    }

    /**
     * @param name what the policy is called in messages
     * @throws InvalidPolicyException where the text is not a policy
     */
    public Policy read(String text, String name) throws InvalidPolicyException {
        try (JsonParser parser = json.createParser(ObjectReadContext.empty(), text)) {
            return policy(name, values(parser, name));
        } catch (JacksonException e) {
            int line = e.getLocation() == null ? 1 : Math.max(1, e.getLocation().getLineNr());
            throw new InvalidPolicyException(
                    "policy " + name + ", line " + line + ": not valid JSON: " + e.getOriginalMessage(), e);
        }
    }

    private static PolicyValues values(JsonParser parser, String name) throws InvalidPolicyException {
        PolicyValues values = new PolicyValues(name);
        if (parser.nextToken() != JsonToken.START_OBJECT) {
            throw new InvalidPolicyException("policy " + name + ", line 1: expected a JSON object");
        }
        while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
            String key = parser.currentName();
            int line = line(parser);
            PolicyKey known = PolicyKey.of(key)
                    .orElseThrow(() -> new InvalidPolicyException("policy " + name + ", line " + line
                            + ": unknown key \"" + key + "\"; the keys are " + PolicyKey.all()));
            parser.nextToken();
            values.put(known, line, value(parser));
        }
        if (parser.nextToken() != null) {
            throw new InvalidPolicyException(
                    "policy " + name + ", line " + line(parser) + ": text after the end of the object");
        }
        return values;
    }

    private static int line(JsonParser parser) {
        return parser.currentTokenLocation().getLineNr();
    }

    /** A map, a list, a string, a number, a boolean, or the empty optional for null. */
    private static Object value(JsonParser parser) {
        switch (parser.currentToken()) {
            case START_OBJECT -> {
                Map<String, Object> object = new LinkedHashMap<>();
                while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
                    String key = parser.currentName();
                    parser.nextToken();
                    object.put(key, value(parser));
                }
                return object;
            }
            case START_ARRAY -> {
                List<Object> array = new ArrayList<>();
                while (parser.nextToken() != JsonToken.END_ARRAY) {
                    array.add(value(parser));
                }
                return array;
            }
            case VALUE_TRUE, VALUE_FALSE -> {
                return parser.getBooleanValue();
            }
            case VALUE_NUMBER_INT -> {
                return parser.getBigIntegerValue();
            }
            case VALUE_STRING -> {
                return parser.getString();
            }
            default -> {
                return PolicyValues.OTHER;
            }
        }
    }

    private static Policy policy(String name, PolicyValues values) throws InvalidPolicyException {
        Policy defaults = Policy.strict();
        return new Policy(
                name,
                Policy.Enforcement.ENFORCE,
                values.risks(REQUIRE_APPROVAL_FOR_RISKS, defaults.requireApprovalForRisks()),
                values.operations(BLOCK_OPERATIONS, defaults.blocked()),
                values.flag(BLOCK_UNKNOWN_OR_PARSE_FAILURE, defaults.blockUnknownOrParseFailure()),
                recovery(values, defaults.recovery()),
                impact(values, defaults.impact()),
                quarantine(values, defaults.quarantine()),
                values.choice(READ_FENCE, ReadFence.class, defaults.readFence()),
                disclosure(values, defaults.disclosure()));
    }

    private static DisclosureRules disclosure(PolicyValues values, DisclosureRules defaults)
            throws InvalidPolicyException {
        return new DisclosureRules(values.choice(AUDIT_PARAMETERS, RecordedValues.class, defaults.values()), (int)
                values.number(APPROVAL_SAMPLE_ROWS, defaults.sampleRows(), 0, DisclosureRules.MOST_SAMPLE_ROWS));
    }

    private static RecoveryRules recovery(PolicyValues values, RecoveryRules defaults) throws InvalidPolicyException {
        return new RecoveryRules(
                values.flag(REQUIRE_RECOVERY_FOR_CRITICAL, defaults.requireRecoveryForCritical()),
                values.flag(BLOCK_UNRECOVERABLE_OPERATIONS, defaults.blockUnrecoverableOperations()),
                values.choice(SNAPSHOT_MODE, SnapshotMode.class, defaults.snapshotMode()),
                values.number(MAX_INLINE_SNAPSHOT_BYTES, defaults.maxInlineSnapshotBytes(), 1, Long.MAX_VALUE),
                recent(values, defaults.recent()),
                values.namesByName(RECOVERY_GROUPS, defaults.recoveryGroups()),
                coverWrites(values, defaults.coverWrites()));
    }

    /** A write is covered where its rows are counted. */
    private static CoverWrites coverWrites(PolicyValues values, CoverWrites byDefault) throws InvalidPolicyException {
        boolean counted = values.flag(IMPACT_ANALYSIS_ENABLED, true);
        CoverWrites wanted = values.choice(COVER_WRITES, CoverWrites.class, counted ? byDefault : CoverWrites.NONE);
        if (wanted != CoverWrites.NONE && !counted) {
            throw values.conflict(COVER_WRITES, "a write is covered only where impact_analysis_enabled is true");
        }
        return wanted;
    }

    private static RecentRules recent(PolicyValues values, RecentRules defaults) throws InvalidPolicyException {
        return new RecentRules(
                values.seconds(MAX_SNAPSHOT_AGE_SECONDS, defaults.maxSnapshotAge(), MAX_SECONDS),
                values.flag(REQUIRE_SIDECAR_HEARTBEAT, defaults.requireHeartbeat()),
                values.seconds(MAX_SIDECAR_HEARTBEAT_SECONDS, defaults.maxHeartbeatAge(), MAX_SECONDS));
    }

    private static ImpactRules impact(PolicyValues values, ImpactRules defaults) throws InvalidPolicyException {
        return new ImpactRules(
                values.flag(IMPACT_ANALYSIS_ENABLED, defaults.enabled()),
                values.number(MAX_WRITE_ROWS_WITHOUT_CRITICAL, defaults.maxWriteRows(), 1, Long.MAX_VALUE),
                (int) values.number(MAX_WRITE_PERCENT_WITHOUT_CRITICAL, defaults.maxWritePercent(), 1, 100),
                values.budget(WRITE_BUDGET, defaults.budget(), MAX_SECONDS),
                values.names(PROTECTED_TABLES, defaults.protectedTables()),
                values.namesByName(PROTECTED_COLUMNS, defaults.protectedColumns()));
    }

    private static QuarantineRules quarantine(PolicyValues values, QuarantineRules defaults)
            throws InvalidPolicyException {
        return new QuarantineRules(
                (int) values.number(
                        MAX_BLOCKED_ATTEMPTS_PER_WINDOW, defaults.maxBlockedAttempts(), 0, Integer.MAX_VALUE),
                values.seconds(DANGEROUS_RETRY_WINDOW_SECONDS, defaults.window(), MAX_SECONDS),
                values.seconds(QUARANTINE_DURATION_SECONDS, defaults.duration(), MAX_SECONDS),
                values.flag(QUARANTINE_BLOCKS_SAFE_QUERIES, defaults.blocksSafeQueries()));
    }
}
