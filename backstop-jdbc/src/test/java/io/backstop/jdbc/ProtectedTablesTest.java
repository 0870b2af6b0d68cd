package io.backstop.jdbc;

import io.backstop.api.error.ApprovalRequiredException;
import io.backstop.api.error.ImpactLimitException;
import io.backstop.jdbc.policy.PolicyReader;
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
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Tables that the policy protects, written to by other names than theirs. */
@ExtendWith(PostgresExtension.class)
class ProtectedTablesTest {
    private static final String ACCENTED = "société";
    /** 63 letters: more than 63 bytes in UTF-8, and none too many in LATIN1. */
    private static final String LONG = "é".repeat(40) + "_with_a_long_name_that".substring(0, 22) + "x";

    @TempDir
    private Path folder;

    private TestDatabase database;
    private Backstop backstop;
    private Connection connection;

    @BeforeEach
    void connect(TestDatabase testDatabase) throws Exception {
        database = testDatabase;
        database.run(
                "DROP SCHEMA IF EXISTS public CASCADE",
                "DROP SCHEMA IF EXISTS billing CASCADE",
                "DROP SCHEMA IF EXISTS renamed CASCADE",
                "CREATE SCHEMA public",
                "CREATE SCHEMA billing",
                "CREATE TABLE users (id int PRIMARY KEY, name text) PARTITION BY RANGE (id)",
                "CREATE TABLE part PARTITION OF users FOR VALUES FROM (0) TO (1000)",
                "INSERT INTO users SELECT n, 'user' FROM generate_series(1, 100) AS n",
                "CREATE TABLE billing.invoices (id int PRIMARY KEY, sum int)",
                "INSERT INTO billing.invoices SELECT n, n FROM generate_series(1, 100) AS n",
                "CREATE TABLE child () INHERITS (billing.invoices)",
                "INSERT INTO child VALUES (1, 1)",
                "CREATE TABLE accounts (id int PRIMARY KEY, balance int, note text)",
                "INSERT INTO accounts SELECT n, n FROM generate_series(1, 100) AS n",
                "CREATE TABLE other (id int PRIMARY KEY)",
                "INSERT INTO other SELECT generate_series(1, 100)");
        backstop = Backstop.builder()
                .policy(new PolicyReader()
                        .read(
                                "{\"require_approval_for_risks\": [\"CRITICAL\"], \"write_budget\": \"none\","
                                        + " \"protected_tables\": [\"users\", \"billing.invoices\", \"" + ACCENTED
                                        + "\", \"" + LONG + "\"],"
                                        + " \"protected_columns\": {\"accounts\": [\"balance\"]}}",
                                "p"))
                .snapshots(new FakeSnapshots())
                .control(folder.resolve("backstop.db"))
                .build();
        connection = backstop.guard(database.connect());
    }

    @AfterEach
    void close() throws SQLException {
        connection.close();
        backstop.close();
    }

    private void execute(String sql) throws SQLException {
        execute(connection, sql);
    }

    private static void execute(Connection guarded, String sql) throws SQLException {
        try (Statement statement = guarded.createStatement()) {
            statement.execute(sql);
        }
    }

    private void assertUntouched() throws SQLException {
        assertThat(database.rows("SELECT count(*) FROM users WHERE name = 'user' UNION ALL SELECT count(*) FROM"
                        + " ONLY billing.invoices WHERE id = sum UNION ALL SELECT count(*) FROM accounts WHERE id = balance"
                        + " UNION ALL SELECT count(*) FROM child"))
                .containsExactly("100", "100", "100", "1");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "UPDATE part SET name = 'x' WHERE id = 1",
                "INSERT INTO part VALUES (200, 'user')",
                "DELETE FROM child WHERE id = 1",
                "DELETE FROM over_users WHERE id = 1",
                "INSERT INTO over_users VALUES (200, 'user')",
                "DELETE FROM over_over_users WHERE id = 1",
                "UPDATE over_accounts SET renamed_balance = 0 WHERE id = 1",
                "DELETE FROM with_rule WHERE id = 1",
                "DELETE FROM other WHERE id = 1",
                "DO 'BEGIN DELETE FROM billing.invoices WHERE id = 1; END'",
                "DO 'BEGIN ALTER TABLE users RENAME TO free; END'",
                "DO 'BEGIN ALTER SCHEMA billing RENAME TO renamed; END'",
                "DO 'BEGIN ALTER TABLE billing.invoices SET SCHEMA public; END'"
            })
    void a_write_is_seen_by_the_table_that_it_reaches(String sql) throws SQLException {
        database.run(
                "CREATE VIEW over_users AS SELECT * FROM users",
                "CREATE VIEW over_over_users AS SELECT * FROM over_users",
                "CREATE VIEW over_accounts AS SELECT id, balance AS renamed_balance FROM accounts",
                "CREATE TABLE with_rule (id int)",
                "CREATE RULE r AS ON DELETE TO with_rule DO INSTEAD DELETE FROM billing.invoices WHERE id = 1",
                "INSERT INTO with_rule VALUES (1)",
                "ALTER TABLE accounts ADD other int REFERENCES other ON DELETE CASCADE",
                "ALTER TABLE billing.invoices ADD other int REFERENCES other ON DELETE SET NULL",
                "UPDATE billing.invoices SET other = 1 WHERE id = 1");
        assertThatThrownBy(() -> execute(sql)).isInstanceOf(ImpactLimitException.class);
        assertUntouched();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "ALTER TABLE users RENAME TO free",
                "ALTER INDEX users RENAME TO free",
                "ALTER TABLE billing.invoices SET SCHEMA public",
                "ALTER TABLE invoices SET SCHEMA public",
                "ALTER SCHEMA billing RENAME TO renamed",
                "ALTER TABLE users DETACH PARTITION part"
            })
    void another_name_for_it_is_a_write_to_it(String sql) throws SQLException {
        assertThatThrownBy(() -> execute(sql)).isInstanceOf(ApprovalRequiredException.class);
        assertUntouched();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "ALTER TABLE accounts RENAME COLUMN balance TO other",
                "ALTER TABLE accounts RENAME balance TO other",
                "ALTER TABLE accounts RENAME balance TO \"rename\"",
                "ALTER TABLE accounts RENAME TO \"rename\"",
                "ALTER TABLE accounts RENAME note TO balance",
                "ALTER TABLE public.accounts RENAME TO free",
                "ALTER TABLE accounts SET SCHEMA billing"
            })
    void another_name_for_a_column_is_a_write_to_it(String sql) throws SQLException {
        assertThatThrownBy(() -> execute(sql)).isInstanceOf(ApprovalRequiredException.class);
        assertUntouched();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "UPDATE account_child SET balance = 0 WHERE id = 500",
                "UPDATE accounts SET note = 'x' WHERE id = 2 AND cleared() = 1",
                "UPDATE before_accounts SET note = 'x' WHERE id = 1",
                "UPDATE before_accounts SET note = 'x' WHERE id = 2",
                "DO 'BEGIN ALTER TABLE accounts RENAME balance TO other; END'",
                "DO 'BEGIN ALTER TABLE accounts RENAME TO other_accounts; END'"
            })
    void a_protected_column_is_seen_by_what_writes_it(String sql) throws SQLException {
        String named = sql.contains("before_accounts") ? "accounts" : "none";
        database.run(
                "CREATE TABLE account_child () INHERITS (accounts)",
                "INSERT INTO account_child (id, balance) VALUES (500, 500), (501, 501), (502, 502)",
                "CREATE FUNCTION cleared() RETURNS int LANGUAGE plpgsql AS"
                        + " 'BEGIN UPDATE public.accounts SET balance = 0 WHERE id = 1; RETURN 1; END'",
                "CREATE FUNCTION before() RETURNS trigger LANGUAGE plpgsql AS"
                        + " 'BEGIN NEW.balance := 0; RETURN NEW; END'",
                "CREATE FUNCTION whole() RETURNS trigger LANGUAGE plpgsql AS" + " 'BEGIN NEW := OLD; RETURN NEW; END'");
        if (named.equals("accounts")) {
            database.run("CREATE TRIGGER code BEFORE UPDATE ON accounts FOR EACH ROW EXECUTE FUNCTION "
                    + (sql.endsWith("1") ? "before()" : "whole()"));
        }
        assertThatThrownBy(() -> execute(sql.replace("before_accounts", "accounts")))
                .isInstanceOf(ImpactLimitException.class);
        assertThat(database.value("SELECT count(*) FROM accounts WHERE id = balance"))
                .isEqualTo("103");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "UPDATE accounts SET note = 'x' WHERE id = 1",
                "UPDATE account_child SET note = 'x' WHERE id = 500",
                "ALTER TABLE accounts RENAME COLUMN note TO notes"
            })
    void what_leaves_protected_columns_alone_runs(String sql) throws SQLException {
        database.run(
                "CREATE TABLE account_child () INHERITS (accounts)",
                "INSERT INTO account_child (id, balance) VALUES (500, 500), (501, 501), (502, 502)",
                "CREATE FUNCTION stamped() RETURNS trigger LANGUAGE plpgsql AS"
                        + " 'BEGIN NEW.note := clock_timestamp()::text; RETURN NEW; END'",
                "CREATE TRIGGER stamped BEFORE UPDATE ON accounts FOR EACH ROW EXECUTE FUNCTION stamped()");
        execute(sql);
        assertThat(database.value("SELECT count(*) FROM accounts WHERE id = balance"))
                .isEqualTo("103");
    }

    @Test
    void what_reaches_no_protected_table_runs() throws SQLException {
        execute("UPDATE other SET id = 200 WHERE id = 1");
        execute("INSERT INTO other VALUES (201)");
        execute("UPDATE accounts SET note = 'x' WHERE id = 1");
        execute("DELETE FROM accounts WHERE id = 2");
        execute("ALTER TABLE other RENAME TO another");
        execute("ALTER SCHEMA public RENAME TO renamed");
        execute("DO 'BEGIN CREATE TABLE renamed.made (id int); END'");
        assertThat(database.value("SELECT count(*) FROM renamed.another")).isEqualTo("101");
    }

    @ParameterizedTest
    @ValueSource(strings = {"LATIN1", "SQL_ASCII", "UTF8"})
    void names_beyond_ascii_are_compared_as_any_server_may_fold_and_cut_them(String encoding) throws SQLException {
        String name = "encoded_" + encoding.toLowerCase(java.util.Locale.ROOT);
        database.run(
                "DROP DATABASE IF EXISTS " + name,
                "CREATE DATABASE " + name + " TEMPLATE template0 ENCODING '" + encoding
                        + "' LC_COLLATE 'C' LC_CTYPE 'C'");
        String url = database.url().replaceFirst("/[^/?]+\\?", "/" + name + "?");
        try (Connection plain = DriverManager.getConnection(url);
                Statement statement = plain.createStatement()) {
            // SQL_ASCII cuts within a letter, and pgjdbc cannot read what is left of it.
            for (String table : encoding.equals("SQL_ASCII") ? List.of(ACCENTED) : List.of(ACCENTED, LONG)) {
                statement.execute("CREATE TABLE \"" + table + "\" (id int)");
                statement.execute("INSERT INTO \"" + table + "\" VALUES (1), (2), (3)");
            }
            try (Connection guarded = backstop.guard(DriverManager.getConnection(url))) {
                for (String table : new String[] {
                    ACCENTED, "SOCIÉTÉ", "Société", "\"société\"", "U&\"soci\\00e9t\\00e9\"", LONG, "\"" + LONG + "\""
                }) {
                    assertThatThrownBy(() -> execute(guarded, "DELETE FROM " + table + " WHERE id = 1"))
                            .as(table)
                            .isInstanceOf(ApprovalRequiredException.class);
                }
            }
            try (var rows = statement.executeQuery("SELECT count(*) FROM \"" + ACCENTED + "\"")) {
                rows.next();
                assertThat(rows.getInt(1)).isEqualTo(3);
            }
        } finally {
            database.run("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)");
        }
    }
}
