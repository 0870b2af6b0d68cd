package io.backstop.jdbc.policy;

import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.Destruction;
import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.policy.CoverWrites;
import io.backstop.api.policy.Policy;
import io.backstop.api.policy.SnapshotMode;
import io.backstop.api.policy.WriteBudget;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class PolicyReaderTest {
    private final PolicyReader reader = new PolicyReader();

    @Test
    void an_empty_object_is_the_strict_policy() throws InvalidPolicyException {
        Policy policy = reader.read("{}", "test");
        assertThat(policy.with("strict", policy.enforcement())).isEqualTo(Policy.strict());
    }

    @Test
    void every_key_is_read() throws InvalidPolicyException {
        Policy policy = reader.read("""
                {
                  "require_approval_for_risks": ["CRITICAL"],
                  "block_operations": ["drop  database", "TRUNCATE"],
                  "require_recovery_for_critical": false,
                  "block_unknown_or_parse_failure": false,
                  "block_unrecoverable_operations": false,
                  "snapshot_mode": "off",
                  "max_inline_snapshot_bytes": 1000,
                  "max_snapshot_age_seconds": 1,
                  "require_sidecar_heartbeat": false,
                  "max_sidecar_heartbeat_seconds": 2,
                  "impact_analysis_enabled": false,
                  "max_write_rows_without_critical": 5,
                  "max_write_percent_without_critical": 10,
                  "protected_tables": ["users", "shop.orders"],
                  "protected_columns": {"users": ["email", "token"]},
                  "recovery_groups": {"shop": ["users", "orders"]},
                  "max_blocked_attempts_per_window": 7,
                  "dangerous_retry_window_seconds": 8,
                  "quarantine_duration_seconds": 9,
                  "quarantine_blocks_safe_queries": true
                }""", "test");
        assertThat(policy.requireApprovalForRisks()).containsExactly(RiskLevel.CRITICAL);
        assertThat(policy.blockOperations()).containsExactlyInAnyOrder("DROP DATABASE", "TRUNCATE");
        assertThat(policy.blockUnknownOrParseFailure()).isFalse();
        assertThat(policy.recovery().requireRecoveryForCritical()).isFalse();
        assertThat(policy.recovery().blockUnrecoverableOperations()).isFalse();
        assertThat(policy.recovery().snapshotMode()).isEqualTo(SnapshotMode.OFF);
        assertThat(policy.recovery().maxInlineSnapshotBytes()).isEqualTo(1000);
        assertThat(policy.recovery().companionsOf(Set.of("users"))).containsExactly("orders");
        assertThat(policy.impact().enabled()).isFalse();
        assertThat(policy.impact().maxWriteRows()).isEqualTo(5);
        assertThat(policy.impact().maxWritePercent()).isEqualTo(10);
        assertThat(policy.impact().protectedTables()).containsExactlyInAnyOrder("users", "shop.orders");
        assertThat(policy.impact().protectedColumns()).isEqualTo(Map.of("users", Set.of("email", "token")));
        assertThat(policy.quarantine().maxBlockedAttempts()).isEqualTo(7);
        assertThat(policy.quarantine().window()).isEqualTo(Duration.ofSeconds(8));
        assertThat(policy.quarantine().duration()).isEqualTo(Duration.ofSeconds(9));
        assertThat(policy.quarantine().blocksSafeQueries()).isTrue();
    }

    @Test
    void a_write_budget_may_be_named_in_part_or_be_none() throws InvalidPolicyException {
        assertThat(reader.read("{}", "p").impact().budget()).contains(new WriteBudget(10_000, 50, Duration.ofHours(1)));
        assertThat(reader.read("{\"write_budget\": {\"rows\": 7, \"window_seconds\": 60}}", "p")
                        .impact()
                        .budget())
                .contains(new WriteBudget(7, 50, Duration.ofMinutes(1)));
        assertThat(reader.read("{\"write_budget\": \"none\"}", "p").impact().budget())
                .isEmpty();
        assertThat(Policy.application().impact().budget()).isEmpty();
    }

    @Test
    void an_unknown_key_is_named_with_its_line() {
        assertThatThrownBy(() ->
                        reader.read("{\n  \"snapshot_mode\": \"inline\",\n  \"snapshot_mod\": \"off\"\n}", "p.json"))
                .isInstanceOf(InvalidPolicyException.class)
                .hasMessageStartingWith(
                        "policy p.json, line 3: unknown key \"snapshot_mod\"; the keys are require_approval");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    "snapshot_mode": "sometimes"              | "snapshot_mode" has to be "inline", "recent" or "off"
                    "cover_writes": "inserts"                 | "cover_writes" has to be "none", "updates_and_deletes" or "all"
                    "cover_writes": true                      | "cover_writes" has to be "none", "updates_and_deletes" or "all"
                    "impact_analysis_enabled": false, "cover_writes": "updates_and_deletes" | "cover_writes": a write is covered only where impact_analysis_enabled is true
                    "require_approval_for_risks": ["SAFE"]    | "require_approval_for_risks" has to be a list of WRITE, HIGH and CRITICAL
                    "require_approval_for_risks": "HIGH"      | "require_approval_for_risks" has to be a list of WRITE, HIGH and CRITICAL
                    "block_operations": [1]                   | "block_operations" has to be a list of names
                    "require_recovery_for_critical": "yes"    | "require_recovery_for_critical" has to be true or false
                    "require_recovery_for_critical": null     | "require_recovery_for_critical" has to be true or false
                    "max_inline_snapshot_bytes": 0            | "max_inline_snapshot_bytes" has to be a whole number from 1 to 9223372036854775807
                    "max_inline_snapshot_bytes": 1.5          | "max_inline_snapshot_bytes" has to be a whole number from 1 to 9223372036854775807
                    "max_write_percent_without_critical": 101 | "max_write_percent_without_critical" has to be a whole number from 1 to 100
                    "protected_columns": ["users"]            | "protected_columns" has to be an object of lists of names
                    "protected_columns": {"users": "email"}   | "protected_columns" has to be an object of lists of names
                    "write_budget": 100                       | "write_budget" has to be "none", or an object with rows, percent (1 to 100) and window_seconds (1 to 31622400)
                    "write_budget": {"row": 1}                | "write_budget" has to be "none", or an object with rows, percent (1 to 100) and window_seconds (1 to 31622400)
                    "write_budget": {"rows": 0}               | "write_budget" has to be "none", or an object with rows, percent (1 to 100) and window_seconds (1 to 31622400)
                    "write_budget": {"percent": 101}          | "write_budget" has to be "none", or an object with rows, percent (1 to 100) and window_seconds (1 to 31622400)
                    "dangerous_retry_window_seconds": -1      | "dangerous_retry_window_seconds" has to be a whole number from 1 to 31622400
                    """)
    void a_value_of_the_wrong_kind_is_refused_with_key_and_line(String member, String message) {
        assertThatThrownBy(() -> reader.read("{\n" + member + "\n}", "p.json"))
                .isInstanceOf(InvalidPolicyException.class)
                .hasMessage("policy p.json, line 2: " + message);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    {"snapshot_mode": "off"} {}                           | policy p.json, line 1: text after the end of the object
                    []                                                    | policy p.json, line 1: expected a JSON object
                    {"snapshot_mode": "off", "snapshot_mode": "inline"}   | policy p.json, line 1: not valid JSON
                    {"snapshot_mode": off}                                | policy p.json, line 1: not valid JSON
                    {"snapshot_mode": "off"                               | policy p.json, line 1: not valid JSON
                    ''                                                    | policy p.json, line 1: expected a JSON object
                    """)
    void what_is_not_one_json_object_is_refused(String text, String message) {
        assertThatThrownBy(() -> reader.read(text, "p.json"))
                .isInstanceOf(InvalidPolicyException.class)
                .hasMessageStartingWith(message);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    DROP DATABSE      | ; did you mean DROP DATABASE?
                    truncate  table   | ; did you mean TRUNCATE?
                    EXPLAIN ANALYZE DELTE | ; did you mean EXPLAIN ANALYZE DELETE, EXPLAIN ANALYZE, EXPLAIN?
                    RELEASE           | ; did you mean RELEASE SAVEPOINT?
                    DROP              | ; did you mean DROP CAST, DROP ROLE, DROP RULE?
                    DESTROY ALL       | ''
                    """)
    void a_blocked_operation_that_there_is_not_is_refused_with_the_names_near_it(String name, String suggestion) {
        assertThatThrownBy(() -> reader.read("{\n\"block_operations\": [\"DELETE\", \"" + name + "\"]\n}", "p.json"))
                .isInstanceOf(InvalidPolicyException.class)
                .hasMessage(
                        "policy p.json, line 2: \"block_operations\" has to be a list of names of operations, and \""
                                + name + "\" is none" + suggestion);
    }

    @Test
    void every_command_and_every_kind_of_destruction_can_be_blocked_by_its_words() throws Exception {
        Set<String> names = Stream.of(
                        Arrays.stream(CommandTag.values()).map(CommandTag::text),
                        Arrays.stream(CommandTag.values()).map(CommandTag::explained),
                        Arrays.stream(Destruction.Kind.values())
                                .filter(kind -> kind != Destruction.Kind.DROP_OBJECT) // each has a command of its own
                                .map(Destruction.Kind::text))
                .flatMap(each -> each)
                .collect(Collectors.toSet());
        String list = names.stream().map(name -> '"' + name + '"').collect(Collectors.joining(","));
        assertThat(reader.read("{\"block_operations\": [" + list + "]}", "p.json")
                        .blockOperations())
                .isEqualTo(names);
    }

    @Test
    void writes_are_covered_where_they_are_counted_unless_told_otherwise() throws Exception {
        assertThat(reader.read("{}", "p.json").recovery().coverWrites()).isEqualTo(CoverWrites.UPDATES_AND_DELETES);
        assertThat(reader.read("{\"cover_writes\": \"none\"}", "p.json")
                        .recovery()
                        .coverWrites())
                .isEqualTo(CoverWrites.NONE);
        assertThat(reader.read("{\"impact_analysis_enabled\": false}", "p.json")
                        .recovery()
                        .coverWrites())
                .isEqualTo(CoverWrites.NONE);
        assertThat(Policy.application().recovery().coverWrites()).isEqualTo(CoverWrites.NONE);
    }

    @Test
    void a_file_that_is_not_there_or_not_text_is_refused(@TempDir Path folder) throws Exception {
        Path missing = folder.resolve("missing.json");
        assertThatThrownBy(() -> reader.read(missing))
                .isInstanceOf(InvalidPolicyException.class)
                .hasMessageContaining(missing.toString());
        Path latin = Files.write(folder.resolve("latin.json"), "{\"é\": 1}".getBytes(StandardCharsets.ISO_8859_1));
        assertThatThrownBy(() -> reader.read(latin))
                .isInstanceOf(InvalidPolicyException.class)
                .hasMessageContaining("UTF-8");
    }

    @Test
    void a_changed_file_is_read_again_and_a_broken_one_changes_nothing(@TempDir Path folder) throws Exception {
        Path file = Files.writeString(folder.resolve("p.json"), "{\"max_write_rows_without_critical\": 1}");
        FilePolicySource source = FilePolicySource.open(file);
        assertThat(source.current().impact().maxWriteRows()).isEqualTo(1);
        Files.writeString(file, "{\"max_write_rows_without_critical\": 22}");
        assertThat(source.current().impact().maxWriteRows()).isEqualTo(22);
        Files.writeString(file, "{\"max_write_rows_without_critical\": broken");
        assertThat(source.current().impact().maxWriteRows()).isEqualTo(22);
        Files.delete(file);
        assertThat(source.current().impact().maxWriteRows()).isEqualTo(22);
        Files.writeString(file, "{\"max_write_rows_without_critical\": 4444}");
        assertThat(source.current().impact().maxWriteRows()).isEqualTo(4444);
    }

    @Test
    void a_change_is_seen_where_its_time_and_size_are_those_of_the_file_before(@TempDir Path folder) throws Exception {
        Path file = Files.writeString(folder.resolve("p.json"), "{\"max_write_rows_without_critical\": 22}");
        FileTime before = Files.getLastModifiedTime(file);
        FilePolicySource source = FilePolicySource.open(file);

        Files.writeString(file, "{\"max_write_rows_without_critical\": 11}");
        Files.setLastModifiedTime(file, before);

        assertThat(source.current().impact().maxWriteRows()).isEqualTo(11);
    }

    @Test
    @Timeout(60)
    void what_takes_the_place_of_the_file_changes_nothing_and_stops_nothing(@TempDir Path folder) throws Exception {
        Path file = Files.writeString(folder.resolve("p.json"), "{\"max_write_rows_without_critical\": 22}");
        Path pipe = folder.resolve("pipe");
        assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor())
                .isZero();
        Path huge = folder.resolve("huge");
        try (RandomAccessFile sparse = new RandomAccessFile(huge.toFile(), "rw")) {
            sparse.setLength(4_000_000_000L);
        }
        FilePolicySource source = FilePolicySource.open(file);
        for (Path other : List.of(
                pipe,
                huge,
                Files.createDirectory(folder.resolve("d")),
                folder.resolve("gone"),
                file,
                Path.of("/dev/zero"))) {
            Files.delete(file);
            Files.createSymbolicLink(file, other); // itself among them
            assertThat(source.current().impact().maxWriteRows())
                    .as(other.toString())
                    .isEqualTo(22);
            assertThatThrownBy(() -> reader.read(file)).isInstanceOf(InvalidPolicyException.class);
        }
        Files.delete(file);
        Files.writeString(file, "{\"max_write_rows_without_critical\": 3}");
        assertThat(source.current().impact().maxWriteRows()).isEqualTo(3);
    }

    @Test
    void a_file_that_is_written_piece_by_piece_is_the_old_policy_until_it_is_whole(@TempDir Path folder)
            throws Exception {
        Path file = Files.writeString(folder.resolve("p.json"), "{\"max_write_rows_without_critical\": 22}");
        FilePolicySource source = FilePolicySource.open(file);
        String next = "{\"max_write_rows_without_critical\": 1,\n \"protected_tables\": [\"users\"]}";
        for (int length = 0; length < next.length(); length++) {
            Files.writeString(file, next.substring(0, length));
            assertThat(source.current().impact().maxWriteRows())
                    .as(next.substring(0, length))
                    .isEqualTo(22);
        }
        Files.writeString(file, next);
        assertThat(source.current().impact().maxWriteRows()).isEqualTo(1);
    }
}
