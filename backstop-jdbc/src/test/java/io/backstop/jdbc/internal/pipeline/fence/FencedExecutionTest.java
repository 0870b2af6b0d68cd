package io.backstop.jdbc.internal.pipeline.fence;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.analysis.StatementAssessment;
import io.backstop.api.error.StatementBlockedException;
import io.backstop.api.policy.ReadFence;
import io.backstop.api.snapshot.Connections;
import io.backstop.jdbc.PooledConnections;
import io.backstop.jdbc.analysis.SqlAnalyzer;
import io.backstop.jdbc.internal.pipeline.session.GuardedSession;
import io.backstop.jdbc.internal.pipeline.statement.AssessedText;
import io.backstop.jdbc.internal.pipeline.statement.Execution;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Set;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

/**
 * The read fence where the first line has failed: every text here is called SAFE, whatever it does, and nothing may be lost.
 */
@ExtendWith(PostgresExtension.class)
class FencedExecutionTest {
    /** What the read fence stops, each in a form that an analysis may take for a query. */
    private static final List<String> LOSSES = List.of(
            "WITH gone AS (DELETE FROM users RETURNING *) SELECT * FROM gone",
            "WITH gone AS (UPDATE users SET name = '' RETURNING *) SELECT * FROM gone",
            "WITH more AS (INSERT INTO users VALUES (0, 'new') RETURNING *) SELECT * FROM more",
            "SELECT wipe()",
            "SELECT * FROM wiping",
            "SELECT 'x'::wiping_text",
            "SELECT 1 WHERE 2 OPERATOR(public.<~>) 3",
            "SELECT CASE WHEN wipe() = 1 THEN 1 END ORDER BY (SELECT wipe())",
            "VALUES (wipe())",
            "EXPLAIN ANALYZE SELECT wipe()",
            "COPY (SELECT wipe()) TO STDOUT",
            "EXPLAIN ANALYZE DELETE FROM users",
            "SELECT * INTO other FROM users",
            "SELECT setval('numbers', 100)",
            "SELECT query_to_xml('DELETE FROM users RETURNING *', true, true, '')",
            "TABLE wiping");

    private TestDatabase database;
    private Connection plain;
    private GuardedSession session;
    private final FencedExecution fenced = new FencedExecution();

    @BeforeEach
    void connect(TestDatabase testDatabase) throws SQLException {
        database = testDatabase;
        database.run(
                "DROP SCHEMA public CASCADE",
                "CREATE SCHEMA public",
                "CREATE TABLE users (id int PRIMARY KEY, name text)",
                "INSERT INTO users SELECT n, 'user ' || n FROM generate_series(1, 20) AS n",
                "CREATE SEQUENCE numbers",
                "CREATE FUNCTION wipe() RETURNS int LANGUAGE plpgsql AS 'BEGIN DELETE FROM users; RETURN 1; END'",
                "CREATE FUNCTION wipe(text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS"
                        + " 'BEGIN PERFORM wipe(); RETURN true; END'",
                "CREATE FUNCTION wipe(int, int) RETURNS boolean LANGUAGE plpgsql STABLE AS"
                        + " 'BEGIN PERFORM wipe(); RETURN true; END'",
                "CREATE OPERATOR <~> (FUNCTION = wipe, LEFTARG = int, RIGHTARG = int)",
                "CREATE VIEW wiping AS SELECT wipe()",
                "CREATE DOMAIN wiping_text AS text CHECK (wipe(VALUE))",
                "CREATE FUNCTION opened() RETURNS refcursor LANGUAGE plpgsql STABLE AS"
                        + " $$DECLARE c refcursor := 'c'; BEGIN OPEN c FOR SELECT wipe(); RETURN c; END$$");
        plain = database.connect();
        session = new GuardedSession(plain, Connections.NONE, "db", "agent");
    }

    @AfterEach
    void close() throws SQLException {
        plain.close();
    }

    /** A connection as a pool hands it out: not pgjdbc's own. */
    private void throughPool() throws SQLException {
        session = new GuardedSession(PooledConnections.over(plain), Connections.NONE, "db", "agent");
    }

    private static AssessedText calledSafe(String sql, boolean needsWriteTransaction) {
        CommandTag tag = SqlAnalyzer.create().assess(sql).statements().get(0).tag();
        return new AssessedText(
                sql,
                Assessment.of(List.of(new StatementAssessment(
                        tag == CommandTag.EXPLAIN_ANALYZE ? CommandTag.EXPLAIN : tag,
                        List.of(),
                        RiskLevel.SAFE,
                        true,
                        List.of(),
                        List.of(),
                        Set.of(),
                        Set.of(),
                        List.of(),
                        List.of(),
                        needsWriteTransaction))),
                true);
    }

    /** Sends a text as one that was judged SAFE because of what the catalog says. */
    private void read(ReadFence rule, String sql) throws SQLException {
        AssessedText text = calledSafe(sql, false);
        session.beginTurn();
        fenced.begin(session, rule, text);
        try (Statement statement = plain.createStatement()) {
            fenced.read(session, text, true, false, sending(statement, sql));
        } finally {
            session.fence().restored();
        }
    }

    /** Sends a text as one that may write. */
    private void write(ReadFence rule, String sql) throws SQLException {
        AssessedText text = new AssessedText(sql, SqlAnalyzer.create().assess(sql), true);
        session.beginTurn();
        fenced.begin(session, rule, text);
        try (Statement statement = plain.createStatement()) {
            fenced.write(session, text, sending(statement, sql));
        } finally {
            session.fence().restored();
        }
    }

    private static Execution<Boolean> sending(Statement statement, String sql) {
        return new Execution<>() {
            @Override
            public Boolean run() throws SQLException {
                return statement.execute(sql);
            }

            @Override
            public long[] batchCounts(Boolean result) {
                return new long[0];
            }

            @Override
            public boolean repeatable() {
                return true;
            }

            @Override
            public Statement statement() {
                return statement;
            }
        };
    }

    private void assertNothingLost(String where) throws SQLException {
        assertThat(database.value("SELECT count(*) || ' ' || count(*) FILTER (WHERE name = 'user ' || id) FROM users"))
                .as(where)
                .isEqualTo("20 20");
        assertThat(database.value("SELECT last_value FROM numbers")).as(where).isEqualTo("1");
        assertThat(database.value("SELECT to_regclass('public.other')"))
                .as(where)
                .isEqualTo("null");
    }

    /** What the server says first differs: some of it is refused for another reason than the fence. */
    private void attempt(ReadFence rule, String sql) {
        try {
            read(rule, sql);
        } catch (SQLException refusal) {
            assertThat(refusal.getSQLState()).as(sql).isIn("ZB001", "25P02", "25006", "42601", "0A000", "25001");
        }
    }

    @ParameterizedTest
    @CsvSource({"SESSION, false", "SESSION, true", "STATEMENT, false", "STATEMENT, true"})
    void nothing_is_lost_in_auto_commit(ReadFence rule, boolean pool) throws SQLException {
        if (pool) {
            throughPool();
        }
        for (String loss : LOSSES) {
            attempt(rule, loss);
            assertNothingLost(loss);
            assertThat(plain.getAutoCommit()).as(loss).isTrue();
        }
    }

    @ParameterizedTest
    @CsvSource({"SESSION, false", "SESSION, true", "STATEMENT, false", "STATEMENT, true"})
    void nothing_is_lost_in_the_callers_transaction(ReadFence rule, boolean pool) throws SQLException {
        if (pool) {
            throughPool();
        }
        plain.setAutoCommit(false);
        for (String loss : LOSSES) {
            attempt(rule, loss);
            plain.rollback();
            attempt(rule, "SELECT 1");
            attempt(rule, loss);
            commitOrRollBack();
            assertNothingLost(loss);
            write(rule, "INSERT INTO users VALUES (100, 'mine')");
            attempt(rule, "SELECT 1");
            attempt(rule, loss);
            commitOrRollBack();
            database.run("DELETE FROM users WHERE id = 100");
            assertNothingLost(loss);
        }
    }

    private void commitOrRollBack() throws SQLException {
        session.committing();
        try {
            plain.commit();
        } catch (SQLException e) {
            plain.rollback();
        }
    }

    @ParameterizedTest
    @EnumSource(value = ReadFence.class, mode = EnumSource.Mode.EXCLUDE, names = "OFF")
    void nothing_is_lost_in_a_transaction_begun_in_sql(ReadFence rule) throws SQLException {
        for (String loss : LOSSES) {
            read(rule, "BEGIN");
            write(rule, "INSERT INTO users VALUES (100, 'mine')");
            read(rule, "SAVEPOINT s");
            attempt(rule, loss);
            read(rule, "ROLLBACK TO SAVEPOINT s");
            attempt(rule, loss);
            read(rule, "ROLLBACK TO s");
            write(rule, "UPDATE users SET name = 'still mine' WHERE id = 100");
            read(rule, "COMMIT");
            assertThat(database.value("SELECT name FROM users WHERE id = 100")).isEqualTo("still mine");
            database.run("DELETE FROM users WHERE id = 100");
            assertNothingLost(loss);
        }
    }

    @ParameterizedTest
    @EnumSource(value = ReadFence.class, mode = EnumSource.Mode.EXCLUDE, names = "OFF")
    void a_cursor_reads_only_wherever_it_is_fetched_from(ReadFence rule) throws SQLException {
        plain.setAutoCommit(false);
        for (String cursor : List.of("DECLARE c CURSOR FOR SELECT wipe()", "SELECT opened()")) {
            read(rule, cursor);
            write(rule, "INSERT INTO users VALUES (100, 'mine')");
            assertThatThrownBy(() -> read(rule, "FETCH ALL FROM c")).hasMessageContaining("judged SAFE");
            plain.rollback();
            read(rule, cursor);
            write(rule, "INSERT INTO users VALUES (100, 'mine')");
            assertThatThrownBy(() -> read(rule, "MOVE ALL FROM c")).hasMessageContaining("judged SAFE");
            plain.rollback();
            assertNothingLost(cursor);
        }
    }

    @ParameterizedTest
    @EnumSource(value = ReadFence.class, mode = EnumSource.Mode.EXCLUDE, names = "OFF")
    void a_cursor_that_is_held_reads_only_at_the_commit(ReadFence rule) throws SQLException {
        plain.setAutoCommit(false);
        read(rule, "DECLARE c CURSOR WITH HOLD FOR SELECT wipe()");
        write(rule, "INSERT INTO users VALUES (100, 'mine')");
        session.committing();
        assertThatThrownBy(() -> plain.commit()).hasMessageContaining("read-only");
        plain.rollback();
        assertNothingLost("JDBC");
        read(rule, "DECLARE c CURSOR WITH HOLD FOR SELECT wipe()");
        write(rule, "INSERT INTO users VALUES (100, 'mine')");
        assertThatThrownBy(() -> read(rule, "COMMIT")).hasMessageContaining("judged SAFE");
        plain.rollback();
        assertNothingLost("SQL");
    }

    @ParameterizedTest
    @EnumSource(value = ReadFence.class, mode = EnumSource.Mode.EXCLUDE, names = "OFF")
    void what_waits_for_the_commit_writes_beside_a_held_cursor(ReadFence rule) throws SQLException {
        database.run(
                "CREATE TABLE log (n int)",
                "CREATE FUNCTION logged() RETURNS trigger LANGUAGE plpgsql AS"
                        + " 'BEGIN INSERT INTO log VALUES (1); RETURN NULL; END'",
                "CREATE CONSTRAINT TRIGGER later AFTER INSERT ON users DEFERRABLE INITIALLY DEFERRED"
                        + " FOR EACH ROW EXECUTE FUNCTION logged()");
        plain.setAutoCommit(false);
        read(rule, "DECLARE c CURSOR WITH HOLD FOR SELECT 1");
        write(rule, "INSERT INTO users VALUES (100, 'mine')");
        read(rule, "SELECT 1");
        commitOrRollBack();
        assertThat(database.value("SELECT count(*) FROM log")).isEqualTo("1");
        try (Statement statement = plain.createStatement();
                ResultSet held = statement.executeQuery("FETCH ALL FROM c")) {
            assertThat(held.next()).isTrue();
        }
    }

    @Test
    void the_default_is_set_back_whatever_switched_it_off() throws SQLException {
        read(ReadFence.SESSION, "SELECT 1");
        for (String lift : List.of(
                "RESET ALL",
                "DISCARD ALL",
                "SET default_transaction_read_only = off",
                "SELECT set_config('default_transaction_read_only', 'off', false)")) {
            read(ReadFence.SESSION, lift);
            attempt(ReadFence.SESSION, "SELECT wipe()");
            assertNothingLost(lift);
        }
        write(
                ReadFence.SESSION,
                "DO $$BEGIN PERFORM set_config('default_' || 'transaction_read_only', 'off', false); END$$");
        attempt(ReadFence.SESSION, "SELECT wipe()");
        assertNothingLost("DO");
        plain.setAutoCommit(false);
        read(ReadFence.SESSION, "RESET ALL");
        plain.rollback();
        plain.setAutoCommit(true);
        attempt(ReadFence.SESSION, "SELECT wipe()");
        assertNothingLost("RESET ALL that was rolled back");
        write(ReadFence.SESSION, "BEGIN; INSERT INTO users VALUES (100, 'mine')");
        read(ReadFence.SESSION, "ROLLBACK");
        attempt(ReadFence.SESSION, "SELECT wipe()");
        assertNothingLost("a transaction that was begun while writes were allowed");
    }

    @Test
    void behind_the_savepoint_the_transaction_cannot_be_made_writable() throws SQLException {
        plain.setAutoCommit(false);
        for (String lift : List.of(
                "WITH lifted AS MATERIALIZED (SELECT set_config('transaction_read_only', 'off', true)),"
                        + " gone AS (DELETE FROM users RETURNING 1) SELECT * FROM lifted, gone",
                "SELECT set_config('transaction_read_only', 'off', true), wipe()")) {
            attempt(ReadFence.STATEMENT, lift);
            commitOrRollBack();
            assertNothingLost(lift);
        }
    }

    @Test
    void an_unguarded_client_of_the_same_pool_can_write() throws SQLException {
        throughPool();
        read(ReadFence.SESSION, "SELECT 1");
        plain.setAutoCommit(false);
        read(ReadFence.SESSION, "SELECT 1");
        plain.rollback();
        plain.setAutoCommit(true);
        try (Statement unguarded = plain.createStatement()) {
            assertThat(unguarded.executeUpdate("INSERT INTO users VALUES (100, 'mine')"))
                    .isEqualTo(1);
        }
        assertThat(plain.isReadOnly()).isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {"session", "transaction"})
    void behind_pgbouncer_no_setting_reaches_another_client(String poolMode) throws Exception {
        assumeThat(PgBouncer.installed()).as("pgbouncer is installed").isTrue();
        try (PgBouncer bouncer = PgBouncer.start(database.url(), poolMode)) {
            for (ReadFence rule : List.of(ReadFence.SESSION, ReadFence.STATEMENT)) {
                plain.close();
                plain = bouncer.connect();
                session = new GuardedSession(plain, Connections.NONE, "db", "agent");
                read(rule, "SELECT 1");
                assertThat(session.fence().byDefault()).isFalse();
                for (String loss : LOSSES) {
                    attempt(rule, loss);
                    assertNothingLost(loss);
                    plain.setAutoCommit(false);
                    attempt(rule, loss);
                    commitOrRollBack();
                    plain.setAutoCommit(true);
                    assertNothingLost(loss);
                }
                write(rule, "INSERT INTO users VALUES (100, 'guarded')");
                plain.close();
                try (Connection unguarded = bouncer.connect();
                        Statement statement = unguarded.createStatement()) {
                    assertThat(statement.executeUpdate("DELETE FROM users WHERE id = 100"))
                            .isEqualTo(1);
                }
            }
        }
    }

    @Test
    void a_misjudgement_is_remembered_by_shape() throws SQLException {
        AssessedText one = calledSafe("SELECT wipe(), 'one'", false);
        AssessedText other = calledSafe("select WIPE(), 'other'", false);
        assertThat(fenced.weigh(session, one, one.assessment(), true).risk()).isEqualTo(RiskLevel.SAFE);
        assertThatThrownBy(() -> read(ReadFence.SESSION, one.sql())).isInstanceOf(StatementBlockedException.class);
        assertThat(fenced.weigh(session, one, one.assessment(), true).risk()).isEqualTo(RiskLevel.HIGH);
        assertThat(fenced.weigh(session, other, other.assessment(), true).risk())
                .isEqualTo(RiskLevel.HIGH);
        AssessedText another = calledSafe("SELECT wipe(), name FROM users", false);
        assertThat(fenced.weigh(session, another, another.assessment(), true).risk())
                .isEqualTo(RiskLevel.SAFE);
    }

    @Test
    void a_refusal_that_is_not_the_fences_is_the_callers() throws SQLException {
        database.run("CREATE FUNCTION refuses() RETURNS int LANGUAGE plpgsql STABLE AS"
                + " $$BEGIN RAISE 'mine' USING ERRCODE = '25006'; END$$");
        assertThatThrownBy(() -> read(ReadFence.SESSION, "SELECT refuses()"))
                .isNotInstanceOf(StatementBlockedException.class)
                .hasMessageContaining("mine");
        read(ReadFence.SESSION, "BEGIN READ ONLY");
        assertThatThrownBy(() -> write(ReadFence.SESSION, "DELETE FROM users"))
                .isNotInstanceOf(StatementBlockedException.class)
                .hasMessageContaining("read-only transaction");
        read(ReadFence.SESSION, "ROLLBACK");
        plain.setReadOnly(true);
        plain.setAutoCommit(false);
        assertThatThrownBy(() -> read(ReadFence.SESSION, "SELECT wipe()"))
                .isNotInstanceOf(StatementBlockedException.class)
                .hasMessageContaining("read-only transaction");
        plain.rollback();
        assertNothingLost("read-only by the caller's will");
    }

    @Test
    void what_rests_on_the_catalog_and_cannot_be_fenced_is_not_safe() throws SQLException {
        session.fence().follow(ReadFence.STATEMENT);
        AssessedText locking = calledSafe("SELECT f(id) FROM users FOR UPDATE", true);
        assertThat(fenced.weigh(session, locking, locking.assessment(), true).risk())
                .isEqualTo(RiskLevel.HIGH);
        assertThat(fenced.weigh(session, locking, locking.assessment(), false).risk())
                .isEqualTo(RiskLevel.SAFE);
        AssessedText mixed = new AssessedText(
                "SAVEPOINT s; SELECT f()", SqlAnalyzer.create().assess("SAVEPOINT s; SELECT f()"), true);
        assertThat(fenced.weigh(session, mixed, mixed.assessment(), true).risk())
                .isEqualTo(RiskLevel.HIGH);
    }
}
