package io.backstop.jdbc;

import io.backstop.api.error.BackstopException;
import io.backstop.api.error.ImpactLimitException;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Code of the user's that the server runs at the commit by itself, without a trigger of the user's, is counted. */
@ExtendWith(PostgresExtension.class)
class CodeAtCommitTest {
    @TempDir
    private Path folder;

    private TestDatabase database;
    private ApplicationGuard guard;
    private Connection connection;

    @BeforeEach
    void connect(TestDatabase testDatabase) throws SQLException {
        database = testDatabase;
        database.run(
                "DROP SCHEMA public CASCADE",
                "CREATE SCHEMA public",
                "CREATE TABLE users AS SELECT generate_series(1, 5000) AS id",
                "CREATE TABLE notes (id int, note text)",
                "CREATE FUNCTION wiped() RETURNS int LANGUAGE plpgsql AS 'BEGIN DELETE FROM users; RETURN 1; END'",
                // By declaration it changes nothing.
                "CREATE FUNCTION valued(a int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $f$ BEGIN"
                        + " IF current_setting('test.wipes', true) = 'on' THEN PERFORM wiped(); END IF; RETURN a; END $f$",
                "CREATE FUNCTION compared(a int, b int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS"
                        + " $f$ BEGIN RETURN btint4cmp(valued(a), b); END $f$",
                "CREATE FUNCTION same(a int, b int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS"
                        + " $f$ BEGIN RETURN valued(a) = b AND current_setting('test.wipes', true) IS DISTINCT FROM 'on'; END $f$",
                "CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = same, COMMUTATOR = ===)",
                "CREATE OPERATOR CLASS ints FOR TYPE int USING btree AS OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =,"
                        + " OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 compared(int, int)",
                "CREATE OPERATOR CLASS hashed FOR TYPE int USING hash AS OPERATOR 1 ===, FUNCTION 1 hashint4(int)");
        guard = new ApplicationGuard(database, folder);
        connection = guard.connection();
    }

    @AfterEach
    void close() throws SQLException {
        guard.close();
    }

    private void assertNothingLost() throws SQLException {
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("5000");
    }

    private static final String EXPRESSION =
            "CREATE TABLE t (a int, EXCLUDE USING btree (valued(a) WITH =) DEFERRABLE INITIALLY DEFERRED)";

    private static final String OPERATOR_CLASS =
            "CREATE TABLE t (a int, EXCLUDE USING btree (a ints WITH =) DEFERRABLE INITIALLY DEFERRED)";

    @ParameterizedTest
    @ValueSource(strings = {EXPRESSION, OPERATOR_CLASS})
    void by_the_second_look_of_a_deferred_constraint(String table) throws SQLException {
        database.run(table, "INSERT INTO t VALUES (1), (2), (3)");
        connection.setAutoCommit(false);
        guard.execute("INSERT INTO t VALUES (1)"); // conflicts, so that the constraint looks again
        guard.execute("UPDATE t SET a = 4 WHERE ctid = '(0,1)'");
        assertCommitIsRefused();
    }

    @Test
    void by_the_operator_of_a_deferred_constraint() throws SQLException {
        database.run(
                "CREATE TABLE t (a int, EXCLUDE USING hash (a hashed WITH ===) DEFERRABLE INITIALLY DEFERRED)",
                "INSERT INTO t VALUES (1)");
        connection.setAutoCommit(false);
        guard.execute("INSERT INTO t VALUES (1)");
        assertCommitIsRefused();
    }

    private void assertCommitIsRefused() throws SQLException {
        guard.execute("SET test.wipes = 'on'");
        assertThatThrownBy(connection::commit)
                .isInstanceOf(ImpactLimitException.class)
                .hasMessageStartingWith("the deferred triggers of the transaction were undone: it changed 5000 rows");
        connection.rollback();
        assertNothingLost();
    }

    @ParameterizedTest
    @ValueSource(strings = {EXPRESSION, OPERATOR_CLASS})
    void where_the_constraint_was_deferred_by_the_transaction(String table) throws SQLException {
        database.run(table.replace(" INITIALLY DEFERRED", ""), "INSERT INTO t VALUES (1), (2), (3)");
        connection.setAutoCommit(false);
        guard.execute("SET CONSTRAINTS ALL DEFERRED");
        guard.execute("UPDATE t SET a = 2 WHERE a = 1");
        guard.execute("UPDATE t SET a = 4 WHERE ctid = '(0,2)'");
        assertCommitIsRefused();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "CREATE UNIQUE INDEX ids ON parents (id ints)",
                "CREATE UNIQUE INDEX ids ON parents (id); CREATE INDEX valued ON parents (id) WHERE valued(1) = 1"
            })
    void by_the_deferred_check_of_a_foreign_key(String index) throws SQLException {
        database.run(
                "CREATE TABLE parents (id int)",
                index,
                "INSERT INTO parents VALUES (1), (2)",
                "CREATE TABLE t (a int)",
                "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED");
        connection.setAutoCommit(false);
        guard.execute("INSERT INTO t VALUES (1), (2)");
        assertCommitIsRefused();
    }

    @ParameterizedTest
    @ValueSource(strings = {"strict", "read-only"})
    void under_other_policies_too(String policy) throws SQLException {
        database.run(
                "CREATE TABLE parents (id int)",
                "CREATE UNIQUE INDEX ids ON parents (id ints)",
                "INSERT INTO parents VALUES (1), (2)",
                "CREATE TABLE t (a int)",
                "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED");
        try (Backstop backstop = Backstop.builder()
                        .policy(policy)
                        .snapshots(new FakeSnapshots())
                        .control(folder.resolve(policy + ".db"))
                        .build();
                Connection other = backstop.guard(database.connect());
                Statement statement = other.createStatement()) {
            other.setAutoCommit(false);
            assertThatThrownBy(() -> {
                        statement.execute("INSERT INTO t VALUES (1), (2)");
                        statement.execute("SET test.wipes = 'on'");
                        other.commit();
                    })
                    .isInstanceOf(BackstopException.class);
            other.rollback();
        }
        assertNothingLost();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "CREATE TYPE made AS (i int); CREATE FUNCTION number(made) RETURNS int LANGUAGE plpgsql IMMUTABLE AS"
                        + " 'BEGIN RETURN valued($1.i); END'; CREATE CAST (made AS int) WITH FUNCTION number(made) AS IMPLICIT"
            })
    void by_the_cast_of_a_foreign_key(String cast) throws SQLException {
        database.run(
                cast,
                "CREATE TABLE parents (id int PRIMARY KEY)",
                "INSERT INTO parents VALUES (1), (2)",
                "CREATE TABLE t (a made REFERENCES parents DEFERRABLE INITIALLY DEFERRED)");
        connection.setAutoCommit(false);
        guard.execute("INSERT INTO t VALUES (ROW(1)), (ROW(2))");
        assertCommitIsRefused();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "DO $d$ BEGIN EXECUTE 'DECLARE c CURSOR WITH HOLD FOR SELECT wiped()'; END $d$",
                "SELECT opens()",
                "SELECT declares()",
                "INSERT INTO notes VALUES (opens(), 'x')",
                "UPDATE notes SET note = opens()::text WHERE id = 1"
            })
    void by_a_cursor_that_outlives_its_transaction(String sql) throws SQLException {
        asOrdinaryRole();
        database.run(
                "INSERT INTO notes VALUES (1, 'one'), (2, 'two'), (3, 'three')",
                "CREATE FUNCTION opens() RETURNS int LANGUAGE plpgsql AS $f$ BEGIN"
                        + " EXECUTE 'DECLARE c CURSOR WITH HOLD FOR SELECT wiped()'; RETURN 1; END $f$",
                "CREATE FUNCTION declares() RETURNS int LANGUAGE sql AS $f$"
                        + " DECLARE c CURSOR WITH HOLD FOR SELECT wiped(); SELECT 1 $f$",
                "GRANT ALL ON ALL TABLES IN SCHEMA public TO ordinary");
        assertThatThrownBy(() -> guard.execute(sql))
                .isInstanceOf(ImpactLimitException.class)
                .hasMessageStartingWith("the write was rolled back: it declared a cursor WITH HOLD");
        assertNothingLost();
        connection.setAutoCommit(false);
        assertThatThrownBy(() -> {
                    guard.execute(sql);
                    connection.commit();
                })
                .isInstanceOf(BackstopException.class);
        connection.rollback();
        assertNothingLost();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void by_a_cursor_that_code_declares_which_was_made_meanwhile(boolean autoCommit) throws SQLException {
        guard.execute("INSERT INTO notes VALUES (0, 'zero')"); // what is known of the schema is read
        database.run(
                "CREATE FUNCTION opening() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN"
                        + " EXECUTE 'DECLARE c CURSOR WITH HOLD FOR SELECT wiped()'; RETURN NEW; END $f$",
                "CREATE TRIGGER opens BEFORE INSERT ON notes FOR EACH ROW EXECUTE FUNCTION opening()");
        connection.setAutoCommit(autoCommit);
        assertThatThrownBy(() -> {
                    guard.execute("INSERT INTO notes VALUES (1, 'one')");
                    connection.commit();
                })
                .isInstanceOf(SQLException.class);
        connection.setAutoCommit(false);
        connection.rollback();
        assertNothingLost();
    }

    @Test
    void a_cursor_that_only_reads_outlives_a_transaction_with_writes() throws SQLException {
        database.run(
                "DROP OPERATOR FAMILY ints USING btree",
                "DROP OPERATOR FAMILY hashed USING hash",
                "CREATE TABLE t (a int, UNIQUE (a) DEFERRABLE INITIALLY DEFERRED)");
        connection.setAutoCommit(false);
        guard.execute("INSERT INTO t VALUES (1), (2), (3)");
        guard.execute("DECLARE c CURSOR WITH HOLD FOR SELECT a FROM t");
        guard.execute("UPDATE t SET a = 4 WHERE a = 1");
        connection.commit();
        guard.execute("FETCH ALL FROM c");
        guard.execute("UPDATE t SET a = 5 WHERE a = 4");
        connection.commit();
        assertThat(database.value("SELECT max(a) FROM t")).isEqualTo("5");
    }

    private void asOrdinaryRole() throws SQLException {
        if (database.value("SELECT count(*) FROM pg_roles WHERE rolname = 'ordinary'")
                .equals("0")) {
            database.run("CREATE ROLE ordinary LOGIN");
        }
        database.run("GRANT ALL ON SCHEMA public TO ordinary");
        guard.reconnect(DriverManager.getConnection(database.url().replace("user=postgres", "user=ordinary")));
        connection = guard.connection();
    }

    @ParameterizedTest
    @ValueSource(strings = {"STABLE", "IMMUTABLE"})
    void by_a_function_that_was_replaced_behind_a_cursor(String declared) throws SQLException {
        database.run("CREATE FUNCTION f(a int) RETURNS int LANGUAGE plpgsql " + declared + " AS 'BEGIN RETURN a; END'");
        connection.setAutoCommit(false);
        assertThatThrownBy(() -> {
                    guard.execute("DECLARE c CURSOR WITH HOLD FOR SELECT f(id) FROM users");
                    guard.execute("CREATE OR REPLACE FUNCTION f(a int) RETURNS int LANGUAGE plpgsql AS"
                            + " 'BEGIN PERFORM wiped(); RETURN a; END'");
                    connection.commit();
                })
                .isInstanceOf(SQLException.class);
        connection.rollback();
        assertNothingLost();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "CREATE TABLE t (a int, UNIQUE (a) DEFERRABLE INITIALLY DEFERRED)",
                "CREATE TABLE t (a int, EXCLUDE USING btree (abs(a) WITH =) DEFERRABLE INITIALLY DEFERRED)"
            })
    void what_changes_nothing_is_committed(String table) throws SQLException {
        database.run(table, "DROP OPERATOR FAMILY ints USING btree", "DROP OPERATOR FAMILY hashed USING hash");
        connection.setAutoCommit(false);
        guard.execute("INSERT INTO t VALUES (1), (2)");
        assertThatCode(connection::commit).doesNotThrowAnyException();
        guard.execute("DECLARE c CURSOR WITH HOLD FOR SELECT id FROM users");
        connection.commit();
        guard.execute("FETCH c");
        guard.execute("INSERT INTO t VALUES (1)");
        assertThatThrownBy(connection::commit)
                .isInstanceOfSatisfying(
                        SQLException.class, e -> assertThat(e.getSQLState()).isIn("23505", "23P01"));
    }
}
