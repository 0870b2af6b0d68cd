package io.backstop.jdbc.policy;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.control.Pause;
import io.backstop.api.control.Quarantine;
import io.backstop.api.policy.Policy;
import io.backstop.api.policy.Verdict;
import io.backstop.jdbc.analysis.SqlAnalyzer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.time.Instant;
import java.util.List;
import java.util.Optional;

import static org.assertj.core.api.Assertions.assertThat;

class JudgeTest {
    private final SqlAnalyzer analyzer = SqlAnalyzer.create();
    private final Judge judge = new Judge();

    private Verdict verdict(String sql, Policy policy) {
        return verdict(sql, policy, SessionState.CLEAR);
    }

    private Verdict verdict(String sql, Policy policy, SessionState state) {
        return judge.decide(judge.weigh(analyzer.assess(sql), policy), policy, state);
    }

    private Policy policy(String json) throws InvalidPolicyException {
        return new PolicyReader().read(json, "test");
    }

    private static String block(Verdict verdict) {
        assertThat(verdict).isInstanceOf(Verdict.Block.class);
        return ((Verdict.Block) verdict).rule().value();
    }

    @ParameterizedTest
    @ValueSource(strings = {"SELECT 1", "INSERT INTO t VALUES (1)", "UPDATE t SET a = 1 WHERE id = 1"})
    void strict_lets_reads_and_scoped_writes_run(String sql) {
        assertThat(verdict(sql, Policy.strict())).isEqualTo(new Verdict.Allow(false));
    }

    @ParameterizedTest
    @CsvSource({
        "DROP TABLE users CASCADE, true",
        "TRUNCATE users, true",
        "DELETE FROM users, true",
        "UPDATE users SET a = 1, true",
        "ALTER TABLE users DROP COLUMN a, true",
        "WITH d AS (DELETE FROM users RETURNING *) SELECT * FROM d, true",
        "DROP FOREIGN TABLE far, true",
        "DROP VIEW v, true",
        "DROP MATERIALIZED VIEW v, true",
        "CREATE OR REPLACE VIEW v AS SELECT 1, true",
        "CREATE VIEW v AS SELECT 1, false",
        "DROP INDEX i, true",
        "DROP INDEX CONCURRENTLY i, false",
        "DROP TRIGGER x ON t, true",
        "DROP POLICY x ON t, true",
        "DROP RULE x ON t, true",
        "DROP STATISTICS s, true",
        "DROP FUNCTION f(int), true",
        "DROP TYPE t, true",
        "DROP SEQUENCE s, true",
        "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1', true",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1', false",
        "DROP ROLE r, false",
        "ALTER TABLE t DROP CONSTRAINT c, true",
        "ALTER TABLE t ALTER CONSTRAINT c DEFERRABLE, true",
        "ALTER TABLE t ALTER a DROP DEFAULT, true",
        "ALTER TABLE t ALTER COLUMN a SET DEFAULT 1, true",
        "ALTER TABLE t ALTER a SET NOT NULL, false",
        "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0), false",
        "ALTER TABLE t ADD a int, false",
        "ALTER TABLE t VALIDATE CONSTRAINT c, false",
        "ALTER TABLE t RENAME TO u, false",
        "ALTER TABLE t DISABLE ROW LEVEL SECURITY, true",
        "ALTER TABLE t NO FORCE ROW LEVEL SECURITY, true",
        "ALTER TABLE t ENABLE ROW LEVEL SECURITY, false",
        "ALTER TABLE t DISABLE TRIGGER ALL, true",
        "ALTER TABLE t ENABLE TRIGGER ALL, false",
        "ALTER FUNCTION f() STRICT, true",
        "REVOKE SELECT ON t FROM PUBLIC, true",
        "ALTER TABLE t SET (fillfactor = 70), true",
        "ALTER TABLE t SET UNLOGGED, false",
        "ALTER TABLE t SET TABLESPACE s, false",
        "ALTER TABLE t DETACH PARTITION p, true",
        "ALTER TABLE t DETACH PARTITION p CONCURRENTLY, false",
        "ALTER TABLE t OWNER TO r, true",
        "CREATE TABLE t (a int), false",
        "GRANT SELECT ON t TO PUBLIC, false",
    })
    void strict_holds_the_rest_and_has_destruction_snapshotted(String sql, boolean snapshot) {
        assertThat(verdict(sql, Policy.strict())).isInstanceOfSatisfying(Verdict.Hold.class, hold -> {
            assertThat(hold.snapshot()).isEqualTo(snapshot);
            assertThat(hold.reasons()).isNotEmpty();
        });
    }

    @ParameterizedTest
    @CsvSource({"DELETE FROM users, true", "DROP FOREIGN TABLE far, true", "CREATE TABLE t (a int), false"})
    void application_runs_what_strict_holds_but_snapshots_alike(String sql, boolean snapshot) {
        assertThat(verdict(sql, Policy.application())).isEqualTo(new Verdict.Allow(snapshot));
    }

    @ParameterizedTest
    @CsvSource({
        "DROP DATABASE shop, blocked-operation",
        "DROP SCHEMA app CASCADE, blocked-operation",
        "ALTER SYSTEM SET fsync = off, blocked-operation",
        "COPY t FROM PROGRAM 'rm -rf /', blocked-operation",
        "SELECT 1; DROP TABLESPACE fast, blocked-operation",
        "FROBNICATE users, unrecognised-statement",
        "SELECT dblink_exec('x'), unrecoverable-operation",
        "DROP EXTENSION hstore, unrecoverable-operation",
        "PREPARE p AS DELETE FROM users, stored-destruction",
    })
    void both_profiles_block_what_nothing_brings_back(String sql, String rule) {
        assertThat(block(verdict(sql, Policy.strict()))).isEqualTo(rule);
        assertThat(block(verdict(sql, Policy.application()))).isEqualTo(rule);
    }

    @Test
    void a_blocked_operation_is_blocked_inside_another_statement_too() throws InvalidPolicyException {
        Policy policy = policy("{\"block_operations\": [\"DELETE\"]}");
        assertThat(block(verdict("WITH d AS (DELETE FROM t WHERE id = 1 RETURNING *) SELECT * FROM d", policy)))
                .isEqualTo("blocked-operation");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    EXPLAIN ANALYZE DELETE | EXPLAIN ANALYZE DELETE FROM t WHERE id = 1 | EXPLAIN ANALYZE DELETE
                    DELETE                 | EXPLAIN ANALYZE DELETE FROM t WHERE id = 1 | DELETE
                    UPDATE                 | INSERT INTO t VALUES (1) ON CONFLICT (id) DO UPDATE SET a = 1 | UPDATE
                    DROP TABLE             | DROP FOREIGN TABLE t                       | DROP TABLE
                    UNRECOVERABLE          | DROP EXTENSION hstore                      | UNRECOVERABLE
                    drop  extension        | DROP EXTENSION hstore                      | DROP EXTENSION
                    """)
    void what_is_blocked_is_told_in_the_words_of_the_policy(String blocked, String sql, String told)
            throws InvalidPolicyException {
        assertThat(verdict(sql, policy("{\"block_operations\": [\"" + blocked + "\"]}")))
                .isEqualTo(new Verdict.Block(Judge.BLOCKED_OPERATION, "the policy blocks " + told));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    INSERT                   | EXPLAIN ANALYZE INSERT INTO t VALUES (1)
                    INSERT                   | PREPARE p AS INSERT INTO t VALUES (1)
                    INSERT                   | WITH i AS (INSERT INTO t VALUES (1) RETURNING *) SELECT * FROM i
                    INSERT                   | COPY (INSERT INTO t VALUES (1) RETURNING *) TO STDOUT
                    MERGE                    | EXPLAIN (ANALYZE) MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN DO NOTHING
                    EXECUTE                  | EXPLAIN ANALYZE EXECUTE p
                    EXECUTE                  | CREATE TABLE t AS EXECUTE p
                    CREATE MATERIALIZED VIEW | EXPLAIN ANALYZE CREATE MATERIALIZED VIEW v AS SELECT 1
                    """)
    void a_blocked_command_is_blocked_inside_another_that_runs_or_stores_it(String blocked, String sql)
            throws InvalidPolicyException {
        assertThat(verdict(sql, policy("{\"block_operations\": [\"" + blocked + "\"]}")))
                .isEqualTo(new Verdict.Block(Judge.BLOCKED_OPERATION, "the policy blocks " + blocked));
    }

    @Test
    void a_blocked_command_that_is_only_planned_runs() throws InvalidPolicyException {
        assertThat(verdict("EXPLAIN INSERT INTO t VALUES (1)", policy("{\"block_operations\": [\"INSERT\"]}")))
                .isEqualTo(new Verdict.Allow(false));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "INSERT INTO pg_class VALUES (1)",
                "EXPLAIN ANALYZE INSERT INTO pg_class VALUES (1)",
                "PREPARE p AS INSERT INTO pg_catalog.pg_class VALUES (1)",
                "WITH i AS (INSERT INTO pg_class VALUES (1) RETURNING *) SELECT * FROM i"
            })
    void rows_of_the_system_catalog_are_not_inserted_from_inside_either(String sql) {
        assertThat(block(verdict(sql, Policy.application()))).isEqualTo("unrecoverable-operation");
    }

    @Test
    void a_command_that_is_blocked_under_explain_analyze_runs_by_itself() throws InvalidPolicyException {
        Policy policy = policy("{\"block_operations\": [\"EXPLAIN ANALYZE INSERT\"]}");
        assertThat(verdict("INSERT INTO t VALUES (1)", policy)).isEqualTo(new Verdict.Allow(false));
        assertThat(block(verdict("EXPLAIN ANALYZE INSERT INTO t VALUES (1)", policy)))
                .isEqualTo("blocked-operation");
    }

    @Test
    void protected_tables_and_columns_make_a_scoped_write_critical() throws InvalidPolicyException {
        Policy policy =
                policy("{\"protected_tables\": [\"public.users\"], \"protected_columns\": {\"orders\": [\"state\"]}}");
        assertThat(verdict("DELETE FROM users WHERE id = 1", policy)).isInstanceOf(Verdict.Hold.class);
        assertThat(verdict("DELETE FROM public.users WHERE id = 1", policy)).isInstanceOf(Verdict.Hold.class);
        assertThat(verdict("DELETE FROM other.users WHERE id = 1", policy)).isEqualTo(new Verdict.Allow(false));
        assertThat(verdict("UPDATE orders SET state = 'x' WHERE id = 1", policy))
                .isInstanceOf(Verdict.Hold.class);
        assertThat(verdict("UPDATE orders SET note = 'x' WHERE id = 1", policy)).isEqualTo(new Verdict.Allow(false));
        assertThat(verdict("SELECT * FROM users", policy)).isEqualTo(new Verdict.Allow(false));
        Assessment weighed = judge.weigh(analyzer.assess("DELETE FROM users WHERE id = 1"), policy);
        assertThat(weighed.risk()).isEqualTo(RiskLevel.CRITICAL);
    }

    @Test
    void a_pause_stops_everything_but_reads() {
        SessionState paused =
                new SessionState(Optional.of(new Pause("incident", "ops", Instant.EPOCH)), Optional.empty());
        assertThat(verdict("SELECT 1", Policy.application(), paused)).isEqualTo(new Verdict.Allow(false));
        assertThat(block(verdict("INSERT INTO t VALUES (1)", Policy.application(), paused)))
                .isEqualTo("emergency-pause");
    }

    @Test
    void a_quarantine_stops_writes_and_reads_only_where_the_policy_says_so() throws InvalidPolicyException {
        SessionState quarantined = new SessionState(
                Optional.empty(),
                Optional.of(new Quarantine("agent", Instant.EPOCH, Instant.EPOCH, List.of("DROP DATABASE shop"))));
        assertThat(verdict("SELECT 1", Policy.strict(), quarantined)).isEqualTo(new Verdict.Allow(false));
        assertThat(block(verdict("INSERT INTO t VALUES (1)", Policy.strict(), quarantined)))
                .isEqualTo("agent-quarantined");
        assertThat(block(verdict("SELECT 1", policy("{\"quarantine_blocks_safe_queries\": true}"), quarantined)))
                .isEqualTo("agent-quarantined");
    }

    @Test
    void the_read_only_profile_runs_nothing_but_reads() {
        assertThat(verdict("SELECT 1", Policy.readOnly())).isEqualTo(new Verdict.Allow(false));
        assertThat(block(verdict("INSERT INTO t VALUES (1)", Policy.readOnly())))
                .isEqualTo("read-only-policy");
    }

    @Test
    void required_recovery_without_snapshots_is_a_no() throws InvalidPolicyException {
        assertThat(block(verdict("TRUNCATE t", policy("{\"snapshot_mode\": \"off\"}"))))
                .isEqualTo("snapshots-off");
        assertThat(verdict(
                        "TRUNCATE t", policy("{\"snapshot_mode\": \"off\", \"require_recovery_for_critical\": false}")))
                .isInstanceOfSatisfying(
                        Verdict.Hold.class, hold -> assertThat(hold.snapshot()).isFalse());
    }
}
