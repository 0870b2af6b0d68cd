package io.backstop.jdbc;

import io.backstop.api.error.BackstopException;
import io.backstop.api.error.ImpactLimitException;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.Sampled;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.xa.PGXADataSource;

import javax.sql.XAConnection;
import javax.transaction.xa.XAResource;
import javax.transaction.xa.Xid;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/**
 * What statements of a transaction left open is looked at before it is kept, whatever stands between, before or beside them.
 * Code of another client's takes the place of a table, or is given to one, when its statements have been judged.
 */
@Timeout(120)
@ExtendWith(PostgresExtension.class)
@Sampled
class LooksInTransactionsTest {
    private static final String TAKES_ITS_PLACE = "ALTER TABLE notes RENAME TO others;"
            + " CREATE VIEW notes AS SELECT wiped() AS id, 'one'::text AS note FROM others";
    private static final String TRIGGER = "CREATE TRIGGER wipes BEFORE INSERT ON notes EXECUTE FUNCTION wiping()";

    /** Lets all but CRITICAL run, and so much within an hour. */
    private static final String BUDGET = "{\"require_approval_for_risks\": [\"CRITICAL\"],"
            + " \"write_budget\": {\"rows\": 1000, \"percent\": 100, \"window_seconds\": 3600},"
            + " \"max_blocked_attempts_per_window\": 0}";

    @TempDir
    private Path folder;

    private TestDatabase database;
    private Backstop backstop;
    private Connection connection;

    @BeforeEach
    void create(TestDatabase testDatabase) throws SQLException {
        database = testDatabase;
        createTables();
        open("application");
    }

    private void createTables() throws SQLException {
        database.run(
                "DROP SCHEMA public CASCADE",
                "CREATE SCHEMA public",
                "CREATE TABLE users (id int PRIMARY KEY, name text)",
                "INSERT INTO users SELECT n, 'user ' || n FROM generate_series(1, 5000) AS n",
                "CREATE TABLE few (id int PRIMARY KEY)",
                "INSERT INTO few SELECT generate_series(1, 900)",
                "CREATE TABLE accounts (id int PRIMARY KEY, v int)",
                "INSERT INTO accounts SELECT n, n FROM generate_series(1, 3000) AS n",
                "CREATE TABLE notes (id int, note text)",
                "INSERT INTO notes SELECT n, 'note' FROM generate_series(1, 10) AS n",
                "CREATE TABLE other_notes (id int)",
                "CREATE VIEW looks AS SELECT id FROM other_notes",
                "CREATE SEQUENCE numbers",
                "CREATE FUNCTION wiped() RETURNS int LANGUAGE plpgsql AS"
                        + " $$ BEGIN DELETE FROM users; RETURN 1; END $$",
                "CREATE FUNCTION wiping() RETURNS trigger LANGUAGE plpgsql AS"
                        + " $$ BEGIN DELETE FROM users; RETURN NEW; END $$");
    }

    @AfterEach
    void close() throws SQLException {
        connection.close();
        backstop.close();
    }

    private void open(String policy) throws SQLException {
        backstop = Backstop.builder()
                .policy(policy)
                .snapshots(new FakeSnapshots())
                .control(folder.resolve("backstop.db"))
                .build();
        connection = backstop.guard(database.connect());
    }

    /** Goes on under another policy. What the texts meet, and what they are judged as, is known. */
    private void guard(String policy, String... known) throws SQLException {
        close();
        open(policy);
        execute(known);
    }

    private void again() throws SQLException {
        connection.close();
        createTables();
    }

    private void execute(String... texts) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            for (String sql : texts) {
                statement.execute(sql);
            }
        }
    }

    private void assertHeld(String count, Work work) throws Exception {
        String before = database.value(count);
        try {
            work.run();
            connection.setAutoCommit(true); // commits what is open
        } catch (BackstopException refused) {
            assertThat(refused.getSQLState()).isIn("ZB001", "ZB002", "ZB010");
        }
        connection.close();
        assertThat(database.value(count)).isEqualTo(before);
    }

    private void assertHeld(Work work) throws Exception {
        assertHeld("SELECT count(*) || ' ' || count(name) FROM users", work);
    }

    private interface Work {
        void run() throws Exception;
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "BEGIN; SELECT * FROM notes",
                "SELECT 1; BEGIN; SELECT * FROM notes",
                "BEGIN; LOCK other_notes; SELECT * FROM notes",
                "BEGIN; SELECT * FROM notes FOR UPDATE",
                "BEGIN; SELECT * FROM notes; COMMIT",
                "BEGIN READ WRITE; SELECT * FROM notes; COMMIT",
                "BEGIN; SELECT * FROM notes FOR UPDATE; COMMIT",
                "BEGIN; SELECT * FROM notes; COMMIT; BEGIN; SELECT 1",
                "SELECT * FROM notes; COMMIT",
                "SELECT * FROM notes; COMMIT AND CHAIN",
                "COMMIT; SELECT * FROM notes",
                "ROLLBACK; SELECT * FROM notes",
                "ROLLBACK; BEGIN; SELECT * FROM notes",
                "SELECT * FROM notes; ROLLBACK; SELECT * FROM notes",
            })
    void a_query_beside_transaction_control_in_one_text(String sql) throws Exception {
        for (String policy : List.of("strict", "read-only")) {
            for (boolean autoCommit : new boolean[] {true, false}) {
                again();
                guard(policy, "SELECT * FROM notes");
                database.run(TAKES_ITS_PLACE);
                connection.setAutoCommit(autoCommit);
                assertHeld(() -> {
                    if (!autoCommit) {
                        execute("SELECT 1");
                    }
                    execute(sql);
                });
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "COMMIT AND CHAIN; SELECT * FROM notes",
        "SAVEPOINT q; SELECT * FROM notes",
        "SELECT * FROM notes; SAVEPOINT q",
        "SELECT * FROM notes; RELEASE s",
        "ROLLBACK TO s; SELECT * FROM notes",
    })
    void a_query_beside_a_savepoint_in_one_text(String sql) throws Exception {
        guard("strict", "SELECT * FROM notes");
        database.run(TAKES_ITS_PLACE);
        connection.setAutoCommit(false);
        execute("SAVEPOINT s");
        assertHeld(() -> execute(sql));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "BEGIN; INSERT INTO notes VALUES (2, 'x')",
                "BEGIN; SET LOCAL statement_timeout = 0; INSERT INTO notes VALUES (2, 'x')",
                "SAVEPOINT a; INSERT INTO notes VALUES (2, 'x')",
                "INSERT INTO notes VALUES (2, 'x'); SAVEPOINT a",
                "INSERT INTO notes VALUES (2, 'x'); RELEASE s",
                "ROLLBACK TO s; INSERT INTO notes VALUES (2, 'x')",
                "SET x.y = '1'; INSERT INTO notes VALUES (2, 'x')",
                "LOCK notes; INSERT INTO notes VALUES (2, 'x')",
                "INSERT INTO notes VALUES (2, 'x'); NOTIFY a",
                "INSERT INTO notes VALUES (2, 'x'); CREATE TEMPORARY TABLE t (id int)",
            })
    void an_INSERT_beside_something_else_in_one_text(String sql) throws Exception {
        for (String policy : List.of("strict", "application")) {
            again();
            guard(policy, "INSERT INTO notes VALUES (1, 'w')");
            database.run(TRIGGER);
            connection.setAutoCommit(false);
            execute("SAVEPOINT s");
            assertHeld(() -> execute(sql));
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "UPDATE accounts SET id = 2 WHERE id = 1",
                "UPDATE accounts SET v = 1 / 0 WHERE id = 1",
                "TRUNCATE few",
                "DROP TABLE IF EXISTS nosuch CASCADE",
                "DISCARD TEMP",
            })
    void what_comes_after_a_statement_that_nobody_could_count(String before) throws Exception {
        for (String sql : List.of(
                "SELECT * FROM notes FOR UPDATE",
                "SELECT nextval('numbers'), id FROM notes",
                "CREATE TABLE more AS SELECT * FROM notes",
                "INSERT INTO other_notes SELECT id FROM notes")) {
            for (String policy : List.of("strict", "application")) {
                again();
                guard(policy, "SELECT * FROM notes", "INSERT INTO other_notes SELECT id FROM notes");
                connection.setAutoCommit(false);
                execute("SAVEPOINT s");
                try {
                    execute(before);
                } catch (SQLException refused) {
                    execute("ROLLBACK TO s");
                }
                database.run(TAKES_ITS_PLACE);
                assertHeld(() -> execute(sql));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "ROLLBACK TO s; INSERT INTO notes VALUES (2, 'x')",
                "ROLLBACK TO s; RELEASE s; INSERT INTO notes VALUES (2, 'x')",
                "ROLLBACK TO s; INSERT INTO notes VALUES (2, 'x'); SAVEPOINT t",
                "SET x.y = '1'; ROLLBACK TO s; INSERT INTO notes VALUES (2, 'x')",
                "ROLLBACK TO s; CREATE TABLE more AS SELECT * FROM notes",
                "ROLLBACK TO s; INSERT INTO other_notes SELECT id FROM notes",
            })
    void a_text_that_takes_a_failed_transaction_back_itself(String sql) throws Exception {
        for (String policy : List.of("strict", "application")) {
            again();
            guard(policy, "INSERT INTO notes VALUES (1, 'w')", "INSERT INTO other_notes SELECT id FROM notes");
            connection.setAutoCommit(false);
            execute("SAVEPOINT s");
            assertThatThrownBy(() -> execute("UPDATE accounts SET v = 1 / 0 WHERE id = 1"))
                    .hasMessageContaining("division by zero");
            database.run(sql.contains("FROM notes") ? TAKES_ITS_PLACE : TRIGGER);
            assertHeld(() -> execute(sql));
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "ROLLBACK TO s; COMMIT",
                "ROLLBACK TO SAVEPOINT s; RELEASE s; END",
                "ROLLBACK TO s; COMMIT AND CHAIN",
                "/* */ ROLLBACK TRANSACTION TO \"s\"; COMMIT",
                "ROLLBACK TO s; INSERT INTO notes VALUES (12, 'x')",
                "ROLLBACK TO s; INSERT INTO notes VALUES (12, 'x'); RELEASE s",
                "BATCH"
            })
    void a_failed_transaction_goes_on_with_a_text_that_takes_it_back(String sql) throws Exception {
        for (String policy : List.of("strict", "application")) {
            again();
            guard(policy);
            connection.setAutoCommit(false);
            execute("INSERT INTO notes VALUES (11, 'x')", "SAVEPOINT s");
            assertThatThrownBy(() -> execute("UPDATE accounts SET v = 1 / 0 WHERE id = 1"))
                    .hasMessageContaining("division by zero");
            if (sql.equals("BATCH")) {
                try (Statement statement = connection.createStatement()) {
                    statement.addBatch("ROLLBACK TO s");
                    statement.addBatch("COMMIT");
                    statement.executeBatch();
                }
            } else {
                execute(sql);
            }
            connection.commit();
            assertThat(database.rows("SELECT id FROM notes WHERE id > 10 ORDER BY id"))
                    .isEqualTo(sql.contains("INSERT") ? List.of("11", "12") : List.of("11"));
        }
    }

    @Test
    void what_a_failed_transaction_has_left_is_looked_at_when_a_text_takes_it_back_and_commits() throws Exception {
        guard("application", "INSERT INTO notes VALUES (1, 'w')");
        connection.setAutoCommit(false);
        database.run(TRIGGER);
        execute("INSERT INTO notes VALUES (12, 'x')", "SAVEPOINT s");
        assertThatThrownBy(() -> execute("SELECT 1 / 0")).hasMessageContaining("division by zero");
        assertThatThrownBy(() -> execute("ROLLBACK TO s; COMMIT"))
                .isInstanceOf(ImpactLimitException.class)
                .hasMessageContaining("code that was made meanwhile");
        connection.rollback();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "ROLLBACK TO s; SELEC 1",
                "ROLLBACK TO s; DELETE FROM few WHERE id = 1",
                "ROLLBACK TO s; TRUNCATE few"
            })
    void a_transaction_stays_failed_where_the_text_that_takes_it_back_is_refused(String sql) throws Exception {
        guard("strict");
        connection.setAutoCommit(false);
        execute("INSERT INTO notes VALUES (12, 'x')", "SAVEPOINT s");
        assertThatThrownBy(() -> execute("SELECT 1 / 0")).hasMessageContaining("division by zero");
        assertThatThrownBy(() -> execute(sql)).isInstanceOf(BackstopException.class);
        assertThatThrownBy(() -> execute("SELECT 1"))
                .extracting(thrown -> ((SQLException) thrown).getSQLState())
                .isEqualTo("25P02");
        execute("ROLLBACK TO s", "INSERT INTO notes VALUES (13, 'x')");
        connection.commit();
        assertThat(database.value("SELECT count(*) FROM notes WHERE id > 10")).isEqualTo("2");
    }

    @Test
    void a_savepoint_that_is_not_there_is_told_as_without_the_guard() throws Exception {
        connection.setAutoCommit(false);
        execute("INSERT INTO notes VALUES (12, 'x')");
        assertThatThrownBy(() -> execute("SELECT 1 / 0")).hasMessageContaining("division by zero");
        assertThatThrownBy(() -> execute("ROLLBACK TO nosuch; COMMIT"))
                .hasMessageContaining("savepoint \"nosuch\" does not exist")
                .extracting(thrown -> ((SQLException) thrown).getSQLState())
                .isEqualTo("3B001");
        assertThatThrownBy(() -> execute("SELECT 1"))
                .extracting(thrown -> ((SQLException) thrown).getSQLState())
                .isEqualTo("25P02");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "SELECT * FROM notes FOR UPDATE | DELETE FROM few WHERE id IN (1, 2)",
                "SELECT * FROM notes FOR UPDATE | UPDATE accounts SET id = 2 WHERE id = 1",
                "INSERT INTO other_notes SELECT id FROM notes | UPDATE accounts SET id = 2 WHERE id = 1",
            })
    void rows_are_not_lost_among_those_of_a_write_that_fails(String open, String fails) throws Exception {
        String known = "UPDATE accounts SET v = 1 WHERE id = 1";
        guard("application", known, "DELETE FROM few WHERE id = 900", open, known);
        database.run(
                "CREATE FUNCTION few_gone() RETURNS int LANGUAGE plpgsql AS $$ BEGIN DELETE FROM few; RETURN 1; END $$",
                TAKES_ITS_PLACE.replace("wiped", "few_gone"));
        connection.setAutoCommit(false);
        assertHeld("SELECT count(*) FROM few", () -> {
            execute(open, "SAVEPOINT s");
            try {
                execute(fails);
            } catch (SQLException refused) {
                execute("ROLLBACK TO s");
            }
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"UPDATE accounts SET v = 1 WHERE id = 5", "TRUNCATE users", "SELECT 1"})
    void what_a_cursor_runs_after_a_look(String between) throws Exception {
        for (String query : List.of("SELECT * FROM notes FOR UPDATE", "SELECT nextval('numbers'), id FROM notes")) {
            again();
            guard("strict", "SELECT * FROM notes", "INSERT INTO accounts VALUES (100001, 1)");
            connection.setAutoCommit(false);
            execute("DECLARE c CURSOR FOR " + query, "CLOSE c");
            connection.commit();
            database.run(TAKES_ITS_PLACE);
            assertHeld(() -> {
                execute("DECLARE c CURSOR FOR " + query);
                try {
                    execute(between);
                } catch (BackstopException refused) {
                    assertThat(refused.getSQLState()).isEqualTo("ZB002");
                }
                execute("FETCH ALL FROM c");
            });
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"UPDATE accounts SET v = 1 WHERE id = 5", "TRUNCATE users", "SELECT 1"})
    void what_a_portal_runs_after_a_look(String between) throws Exception {
        for (String query : List.of("SELECT * FROM notes FOR UPDATE", "SELECT nextval('numbers'), id FROM notes")) {
            again();
            guard("strict", query, "INSERT INTO accounts VALUES (100001, 1)");
            database.run(
                    "CREATE FUNCTION late(i int) RETURNS int LANGUAGE plpgsql AS"
                            + " $$ BEGIN IF i > 3 THEN DELETE FROM users; END IF; RETURN i; END $$",
                    TAKES_ITS_PLACE.replace("wiped()", "late(id)"));
            connection.setAutoCommit(false);
            assertHeld(() -> {
                try (Statement statement = connection.createStatement()) {
                    statement.setFetchSize(1);
                    ResultSet rows = statement.executeQuery(query);
                    rows.next();
                    try {
                        execute(between);
                    } catch (BackstopException refused) {
                        assertThat(refused.getSQLState()).isEqualTo("ZB002");
                    }
                    while (rows.next()) {
                        assertThat(rows.getRow()).isPositive();
                    }
                }
            });
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "TRUNCATE public.users",
                "DROP TABLE public.users",
                "ALTER TABLE public.users DROP COLUMN name",
                "DELETE FROM public.users",
            })
    void what_a_query_that_fills_a_new_table_takes_away(String deed) throws Exception {
        for (String sql : List.of(
                "CREATE TABLE more AS SELECT * FROM looks",
                "SELECT * INTO more FROM looks",
                "CREATE MATERIALIZED VIEW more AS SELECT * FROM looks")) {
            for (boolean autoCommit : new boolean[] {true, false}) {
                again();
                guard("application", "SELECT * FROM looks", sql);
                database.run(sql.contains("MATERIALIZED") ? "DROP MATERIALIZED VIEW more" : "DROP TABLE more");
                connection.setAutoCommit(autoCommit);
                database.run(
                        "CREATE FUNCTION does() RETURNS int LANGUAGE plpgsql AS $$ BEGIN " + deed
                                + "; RETURN 1; END $$",
                        "CREATE OR REPLACE VIEW looks AS SELECT does() AS id");
                assertHeld(
                        "SELECT to_regclass('users')::text || (SELECT count(*) FROM users) || (SELECT count(*)"
                                + " FROM pg_attribute WHERE attrelid = 'users'::regclass AND attisdropped)",
                        () -> execute(sql));
            }
        }
    }

    @Test
    void what_a_transaction_manager_commits() throws Exception {
        PGXADataSource source = new PGXADataSource();
        source.setURL(database.url());
        for (String sql : List.of("INSERT INTO notes VALUES (2, 'x')", "SELECT id FROM others FOR UPDATE")) {
            again();
            database.run("CREATE TABLE others (id int)");
            guard("strict", sql);
            database.run(TRIGGER, "DROP TABLE others", "CREATE VIEW others AS SELECT wiped() AS id FROM notes");
            connection.close();
            XAConnection managed = source.getXAConnection();
            XAResource resource = managed.getXAResource();
            connection = backstop.guard(managed.getConnection());
            Branch branch = new Branch();
            resource.start(branch, XAResource.TMNOFLAGS);
            try {
                execute(sql);
            } catch (BackstopException refused) {
                assertThat(refused.getSQLState()).isIn("ZB001", "ZB002", "ZB010");
            }
            resource.end(branch, XAResource.TMSUCCESS);
            resource.commit(branch, true);
            managed.close();
            assertThat(database.value("SELECT count(*) FROM users")).as(sql).isEqualTo("5000");
        }
    }

    private static final class Branch implements Xid {
        @Override
        public int getFormatId() {
            return 1;
        }

        @Override
        public byte[] getGlobalTransactionId() {
            return new byte[] {1};
        }

        @Override
        public byte[] getBranchQualifier() {
            return new byte[] {2};
        }
    }

    /** What the limits let pass takes of the budget all the same. */
    @Test
    void what_an_INSERT_has_set_off_unseen_counts_in_the_budget() throws Exception {
        guard(Files.writeString(folder.resolve("budget.json"), BUDGET).toString(), "INSERT INTO notes VALUES (1, 'w')");
        database.run(
                "CREATE FUNCTION takes() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                        + " DELETE FROM users WHERE id IN (SELECT id FROM users LIMIT 600); RETURN NEW; END $$",
                "CREATE TRIGGER takes BEFORE INSERT ON notes EXECUTE FUNCTION takes()");
        connection.setAutoCommit(false);
        execute("INSERT INTO notes VALUES (2, 'x')");
        connection.rollback();
        execute("INSERT INTO notes VALUES (2, 'x')");
        connection.commit();
        assertThatThrownBy(() -> {
                    execute("INSERT INTO notes VALUES (2, 'x')");
                    connection.commit();
                })
                .hasMessageContaining("would have changed 1200 rows");
        connection.rollback();
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("4400");
    }

    /** The locks go with a savepoint that is rolled back to, and the counters stay. */
    @Test
    void counted_rows_that_were_rolled_back_do_not_refuse_a_commit() throws Exception {
        database.run(
                "CREATE TABLE ten (id int PRIMARY KEY, name text)", "INSERT INTO ten SELECT generate_series(1, 10)");
        guard("application");
        for (int i = 0; i < 3; i++) {
            execute(
                    "INSERT INTO notes VALUES (1, 'w')",
                    "UPDATE ten SET name = 'w' WHERE id = 1",
                    "UPDATE accounts SET v = 0 WHERE id = 1");
        }
        connection.setAutoCommit(false);
        for (int i = 0; i < 3; i++) {
            Savepoint savepoint = connection.setSavepoint();
            execute("UPDATE ten SET name = 'q' WHERE id <= 4");
            connection.rollback(savepoint);
        }
        execute(
                "UPDATE accounts SET v = 1 WHERE id = 5",
                "SELECT nextval('numbers')",
                "LOCK TABLE ten IN SHARE ROW EXCLUSIVE MODE",
                "INSERT INTO ten VALUES (100, 'x')");
        connection.commit();
        assertThat(database.value("SELECT count(*) FROM ten")).isEqualTo("11");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "CREATE TEMPORARY TABLE t (id int); COMMIT; INSERT INTO notes VALUES (2, 'x'); DISCARD TEMP",
                "CREATE TEMPORARY TABLE t (id int); COMMIT; DISCARD TEMP; INSERT INTO notes VALUES (2, 'x')",
                "CREATE TEMPORARY TABLE t (id int); COMMIT; SELECT nextval('numbers'); DISCARD TEMP;"
                        + " SELECT * FROM notes FOR UPDATE",
                "INSERT INTO notes VALUES (2, 'x'); DROP TYPE IF EXISTS mood CASCADE",
                "DROP TYPE IF EXISTS mood CASCADE; INSERT INTO notes VALUES (2, 'x')",
                "SELECT nextval('numbers'); DROP TYPE IF EXISTS mood CASCADE; SELECT * FROM notes FOR UPDATE",
                "SELECT * FROM notes FOR UPDATE; CREATE TABLE more AS SELECT * FROM notes",
            })
    void definitions_that_a_transaction_drops_itself_do_not_refuse_its_commit(String texts) throws Exception {
        for (boolean known : new boolean[] {true, false}) {
            again();
            database.run("CREATE TYPE mood AS ENUM ('ok')", "CREATE CAST (varchar AS mood) WITH INOUT AS IMPLICIT");
            guard("application");
            if (known) {
                execute("INSERT INTO notes VALUES (1, 'w')");
            }
            connection.setAutoCommit(false);
            for (String sql : texts.split("; ", -1)) {
                if (sql.equals("COMMIT")) {
                    connection.commit();
                } else {
                    execute(sql);
                }
            }
            connection.commit();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"strict", "application", "read-only"})
    void a_portal_goes_on_beside_other_queries(String policy) throws Exception {
        guard(policy);
        connection.setAutoCommit(false);
        for (String query : List.of("SELECT nextval('numbers'), id FROM notes", "SELECT id FROM notes")) {
            int count = 0;
            try (Statement statement = connection.createStatement()) {
                statement.setFetchSize(1);
                try (ResultSet rows = statement.executeQuery(query)) {
                    while (rows.next()) {
                        count++;
                        execute("SELECT 1");
                    }
                }
            }
            assertThat(count).as(query).isEqualTo(10);
        }
        connection.commit();
    }

    @ParameterizedTest
    @ValueSource(strings = {"strict", "application", "read-only"})
    void texts_with_transaction_control_run_as_without_Backstop(String policy) throws Exception {
        guard(policy);
        execute("BEGIN; SELECT id FROM notes", "SELECT id FROM notes; SAVEPOINT s", "ROLLBACK TO s; SELECT 1");
        execute("SELECT 1; ROLLBACK; SELECT 2", "BEGIN; SELECT id FROM notes; COMMIT", "BEGIN; SHOW lock_timeout");
        execute("COMMIT; BEGIN", "SELECT id FROM notes", "COMMIT; SELECT 1");
        if (policy.equals("application")) {
            execute("BEGIN; INSERT INTO notes VALUES (20, 'x'); COMMIT", "BEGIN; INSERT INTO notes VALUES (21, 'x')");
            execute("SAVEPOINT s; INSERT INTO notes VALUES (22, 'x')", "COMMIT");
            execute("BEGIN; CREATE TABLE more AS SELECT * FROM notes; COMMIT");
            assertThat(database.value("SELECT count(*) FROM more")).isEqualTo("13");
        }
    }
}
