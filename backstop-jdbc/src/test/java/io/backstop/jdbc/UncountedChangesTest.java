package io.backstop.jdbc;

import io.backstop.api.error.ApprovalRequiredException;
import io.backstop.api.error.ImpactLimitException;
import io.backstop.api.error.StatementBlockedException;
import io.backstop.jdbc.policy.PolicyReader;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.Sampled;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.sql.CallableStatement;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Ways past the row limits that the count of the statement's own rows does not show. */
@Sampled
@ExtendWith(PostgresExtension.class)
class UncountedChangesTest {
    private static final String MANY = "5000";

    @TempDir
    private Path folder;

    private TestDatabase database;
    private Backstop backstop;
    private Connection connection;

    @BeforeEach
    void connect(TestDatabase testDatabase) throws Exception {
        database = testDatabase;
        database.run(
                "DROP SCHEMA public CASCADE",
                "CREATE SCHEMA public",
                "DROP EXTENSION IF EXISTS postgres_fdw CASCADE",
                "CREATE TABLE users (id int PRIMARY KEY, name text)",
                "INSERT INTO users SELECT n, 'user ' || n FROM generate_series(1, 5000) AS n",
                "CREATE TABLE notes (id int, note text)");
        backstop = Backstop.builder()
                .policy(new PolicyReader()
                        .read("{\"require_approval_for_risks\": [\"CRITICAL\"], \"write_budget\": \"none\"}", "p"))
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
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    /** The table {@code far} is {@code users} again, by way of another connection of the server. */
    private void createFarTable() throws SQLException {
        LoopbackServer.create(database);
        database.run("CREATE FOREIGN TABLE far (id int, name text) SERVER loop OPTIONS (table_name 'users')");
    }

    private void createTrigger(String when, String table, String deed) throws SQLException {
        database.run(
                "CREATE FUNCTION fired() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN " + deed
                        + "; RETURN NULL; END $$",
                "CREATE TRIGGER fired AFTER " + when + " ON " + table + " EXECUTE FUNCTION fired()");
    }

    private void assertUndone(String sql) throws SQLException {
        assertUndone(sql, "the write was rolled back: it changed 5000 rows");
    }

    private void assertUndone(String sql, String message) throws SQLException {
        assertThatThrownBy(() -> execute(sql))
                .isInstanceOf(ImpactLimitException.class)
                .hasMessageStartingWith(message);
        assertNothingChanged();
    }

    private void assertNothingChanged() throws SQLException {
        assertThat(database.value("SELECT count(*) FROM users WHERE name LIKE 'user %'"))
                .isEqualTo(MANY);
    }

    private void assertHeldForItsForeignTable(String sql) throws SQLException {
        assertThatThrownBy(() -> execute(sql))
                .as(sql)
                .isInstanceOf(ImpactLimitException.class)
                .hasMessageContaining("foreign table far")
                .hasCauseInstanceOf(ApprovalRequiredException.class);
        assertNothingChanged();
    }

    @ParameterizedTest
    @ValueSource(strings = {"REPEATABLE READ", "SERIALIZABLE"})
    void a_partition_that_was_detached_since_the_transaction_began_has_a_share(String level) throws SQLException {
        database.run(
                "CREATE TABLE parts (id int) PARTITION BY RANGE (id)",
                "CREATE TABLE part PARTITION OF parts FOR VALUES FROM (0) TO (1000)",
                "INSERT INTO parts SELECT generate_series(1, 100)");
        for (String sql : List.of(
                "DELETE FROM part WHERE id <= 100",
                "UPDATE part SET id = 0 WHERE id <= 100",
                "DO 'BEGIN DELETE FROM part WHERE id <= 100; END'")) {
            execute("BEGIN ISOLATION LEVEL " + level);
            execute("SELECT 1 FROM notes");
            database.run("ALTER TABLE parts DETACH PARTITION part");
            assertThatThrownBy(() -> execute(sql))
                    .isInstanceOf(ImpactLimitException.class)
                    .hasMessageContaining("100 rows, more than 50 percent of part");
            execute("ROLLBACK");
            database.run("ALTER TABLE parts ATTACH PARTITION part FOR VALUES FROM (0) TO (1000)");
        }
    }

    /** The driver tells the server to end a part of a long text, with whose counters the next begins anew. */
    @ParameterizedTest
    @ValueSource(strings = {"COMMIT; %s BEGIN", "ROLLBACK; BEGIN; %s SELECT 1", "COMMIT AND CHAIN"})
    void what_a_text_begins_anew_hides_nothing(String text) throws SQLException {
        execute("INSERT INTO notes VALUES (1, 'one')");
        execute("BEGIN");
        execute("DELETE FROM users WHERE id <= 900");
        execute(text.formatted("SELECT 1; ".repeat(700)));
        createTrigger("INSERT", "notes", "DELETE FROM users WHERE id BETWEEN 2001 AND 4900");
        assertThatThrownBy(() -> {
                    execute("INSERT INTO notes VALUES (1, 'one')");
                    execute("COMMIT");
                })
                .isInstanceOf(ImpactLimitException.class);
        execute("ROLLBACK");
        assertThat(database.value("SELECT count(*) FROM users WHERE id > 900")).isEqualTo("4100");
    }

    /** Whether it was refused, or failed after it had ended the transaction. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "COMMIT; DELETE FROM users; BEGIN",
                "COMMIT; BEGIN; DROP DATABASE nosuch",
                "ROLLBACK TO nosuch; COMMIT; BEGIN",
                "SELECT 1 / 0; COMMIT; BEGIN"
            })
    void what_was_left_open_is_looked_at_after_a_text_that_did_not_end_its_transaction(String text)
            throws SQLException {
        execute("INSERT INTO notes VALUES (1, 'one')");
        createTrigger("INSERT", "notes", "DELETE FROM users WHERE id BETWEEN 2001 AND 4900");
        execute("BEGIN");
        execute("SAVEPOINT s");
        try {
            execute("INSERT INTO notes VALUES (1, 'one')");
            execute("SAVEPOINT s");
            execute(text);
        } catch (SQLException refused) {
            execute("ROLLBACK TO s");
        }
        assertThatThrownBy(() -> execute("COMMIT")).isInstanceOf(ImpactLimitException.class);
        execute("ROLLBACK");
        assertNothingChanged();
    }

    @Test
    void a_text_that_defines_and_inserts_in_a_transaction_that_it_leaves_open_commits() throws SQLException {
        execute("BEGIN; CREATE TABLE more (id int); INSERT INTO more VALUES (1); INSERT INTO notes VALUES (1, 'one')");
        execute("INSERT INTO more VALUES (2)");
        execute("COMMIT");
        assertThat(database.value("SELECT count(*) FROM more")).isEqualTo("2");
        execute("SET ROLE postgres; INSERT INTO more VALUES (3)");
        assertThat(database.value("SELECT count(*) FROM more")).isEqualTo("3");
    }

    /** The share is of the rows that there were before the transaction. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "WITH i AS (INSERT INTO small SELECT generate_series(101, 1000)) UPDATE notes SET id = 0 WHERE id = 1",
                "WITH i AS (INSERT INTO small SELECT generate_series(101, 1000)) DELETE FROM notes WHERE id = 1",
                "UPDATE notes SET note = 'x' WHERE id = 2",
                "DELETE FROM notes WHERE id = 2"
            })
    void rows_that_a_write_inserted_beside_do_not_stretch_the_share(String insert) throws SQLException {
        database.run(
                "CREATE TABLE small AS SELECT generate_series(1, 100) AS id",
                "INSERT INTO notes SELECT n, 'n' FROM generate_series(1, 10) AS n");
        if (!insert.startsWith("WITH")) {
            createTrigger("UPDATE OR DELETE", "notes", "INSERT INTO small SELECT generate_series(101, 1000)");
        }
        connection.setAutoCommit(false);
        execute(insert);
        assertThatThrownBy(() -> execute("DELETE FROM small WHERE id <= 100"))
                .isInstanceOf(ImpactLimitException.class)
                .hasMessageContaining("it changed 100 rows, more than 50 percent of small");
        connection.commit();
        assertThat(database.value("SELECT count(*) FROM small WHERE id <= 100")).isEqualTo("100");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "DELETE FROM far WHERE id > 0",
                "DELETE FROM far WHERE id = 5000",
                "UPDATE far SET name = 'gone' WHERE id > 0",
                "INSERT INTO far VALUES (5001, 'user 5001')",
                "DELETE FROM far WHERE id > 0 RETURNING id",
                "WITH d AS (DELETE FROM far WHERE id > 0 RETURNING id) DELETE FROM notes WHERE id = 0",
                "DELETE FROM over_far WHERE id > 0",
                "DO 'BEGIN DELETE FROM far; END'",
                "DO 'BEGIN TRUNCATE far; END'"
            })
    void what_a_foreign_table_loses_is_past_the_limit(String sql) throws SQLException {
        createFarTable();
        database.run("CREATE VIEW over_far AS SELECT * FROM far");
        assertHeldForItsForeignTable(sql);
    }

    @Test
    void what_a_foreign_partition_loses_is_past_the_limit() throws SQLException {
        createFarTable();
        database.run(
                "CREATE TABLE parted (id int, name text) PARTITION BY RANGE (id)",
                "CREATE TABLE here PARTITION OF parted FOR VALUES FROM (10000) TO (20000)",
                "INSERT INTO parted SELECT n, 'here' FROM generate_series(10001, 10100) AS n",
                "ALTER TABLE parted ATTACH PARTITION far FOR VALUES FROM (0) TO (10000)");
        assertHeldForItsForeignTable("DELETE FROM parted WHERE id > 0");
        execute("DELETE FROM here WHERE id = 10001");
        assertThat(database.value("SELECT count(*) FROM here")).isEqualTo("99");
    }

    @ParameterizedTest
    @ValueSource(strings = {"UPDATE notes SET note = 'x' WHERE id = 1", "INSERT INTO notes VALUES (2)"})
    void deletes_by_a_trigger_through_a_foreign_table_are_past_the_limit(String sql) throws SQLException {
        createFarTable();
        database.run("INSERT INTO notes VALUES (1)");
        createTrigger("INSERT OR UPDATE", "notes", "DELETE FROM far");
        assertHeldForItsForeignTable(sql);
    }

    /** In a role to which nothing is open that leaves the transaction: what it puts together runs, and is looked at. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            value = {
                "SELECT 1 ~ DELETE FROM f' || 'ar",
                "SELECT 1 ~ TRUNCATE f' || 'ar",
                "SELECT 1 ~ SELECT count(*) FROM f' || 'ar",
                "LOCK TABLE parted IN ROW EXCLUSIVE MODE ~ DELETE FROM f' || 'ar"
            })
    void a_foreign_table_that_code_reaches_unseen_is_found_afterwards(String before, String text) throws SQLException {
        createFarTable();
        database.run(
                "CREATE TABLE parted (id int, name text) PARTITION BY RANGE (id)",
                "ALTER TABLE parted ATTACH PARTITION far DEFAULT",
                "CREATE ROLE stranger LOGIN",
                "GRANT ALL ON SCHEMA public TO stranger",
                "GRANT ALL ON far, parted TO stranger");
        createTrigger("INSERT", "notes", "EXECUTE '" + text + "'");
        database.run("GRANT ALL ON notes TO stranger", "GRANT EXECUTE ON FUNCTION fired() TO stranger");
        try (Connection guarded = backstop.guard(
                        DriverManager.getConnection(database.url().replace("user=postgres", "user=stranger")));
                Statement statement = guarded.createStatement()) {
            guarded.setAutoCommit(false);
            statement.execute(before);
            assertThatThrownBy(() -> statement.execute("INSERT INTO notes VALUES (1)"))
                    .isInstanceOf(ImpactLimitException.class)
                    .hasMessageStartingWith("the write was rolled back: it ")
                    .hasMessageContaining("foreign table far");
            guarded.commit();
        } finally {
            database.run("DROP OWNED BY stranger", "DROP ROLE stranger");
        }
        assertNothingChanged();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "DO 'BEGIN PERFORM lo_unlink(oid) FROM pg_largeobject_metadata; END'",
                "DO 'BEGIN PERFORM lo_put(oid, 0, ''x'') FROM pg_largeobject_metadata; END'",
                "SELECT lo_put(oid, 0, 'x') FROM pg_largeobject_metadata",
                "INSERT INTO notes VALUES (1)"
            })
    void large_objects_are_counted(String sql) throws SQLException {
        database.run("SELECT lo_from_bytea(0, 'content') FROM generate_series(1, 1200)");
        createTrigger("INSERT", "notes", "PERFORM lo_unlink(oid) FROM pg_largeobject_metadata");
        try {
            assertUndone(sql, "the write was rolled back: it changed ");
            assertThat(database.value("SELECT count(*) FROM pg_largeobject WHERE data = 'content'"))
                    .isEqualTo("1200");
            execute("SELECT lo_put(min(oid), 0, 'content') FROM pg_largeobject_metadata");
        } finally {
            database.run("SELECT lo_unlink(oid) FROM pg_largeobject_metadata");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "DELETE FROM over_few WHERE id > 4",
                "DELETE FROM few WHERE id > 4",
                "UPDATE few SET note = 'x' FROM users WHERE users.id = few.id AND few.id > 4",
                "WITH d AS (DELETE FROM few WHERE id > 4 RETURNING id) INSERT INTO notes SELECT id FROM d",
                "WITH i AS (INSERT INTO few SELECT 100 + n FROM generate_series(1, 20) AS n)"
                        + " DELETE FROM few WHERE id > 4",
                "DO 'BEGIN DELETE FROM few WHERE id > 4; END'",
                "DELETE FROM parents WHERE id > 9"
            })
    void the_share_is_that_of_the_table_that_lost_the_rows(String sql) throws SQLException {
        database.run(
                "CREATE TABLE few (id int PRIMARY KEY, note text, parent int)",
                "INSERT INTO few SELECT n, 'few', 10 FROM generate_series(1, 10) AS n",
                "CREATE VIEW over_few AS SELECT * FROM few",
                "CREATE TABLE parents (id int PRIMARY KEY)",
                "INSERT INTO parents SELECT generate_series(1, 10)",
                "ALTER TABLE few ADD FOREIGN KEY (parent) REFERENCES parents ON DELETE CASCADE");
        execute("CREATE TEMP TABLE many () INHERITS (few)");
        execute("INSERT INTO many SELECT -n FROM generate_series(1, 1000) AS n");
        assertThatThrownBy(() -> execute(sql))
                .isInstanceOf(ImpactLimitException.class)
                .hasMessageMatching("(?s).*it changed \\d+ rows, more than 50 percent of few.*");
        assertThat(database.value("SELECT count(*) FROM few WHERE note = 'few'"))
                .isEqualTo("10");
    }

    @Test
    void a_portal_is_not_fetched_in_parts_where_its_rows_are_counted() throws SQLException {
        database.run("CREATE FUNCTION wipe(int) RETURNS int LANGUAGE plpgsql AS"
                + " $$ BEGIN DELETE FROM users WHERE id > $1 - 1; RETURN $1; END $$");
        connection.setAutoCommit(false);
        for (boolean first : new boolean[] {true, false}) {
            try (Statement statement = connection.createStatement()) {
                statement.setFetchSize(1);
                assertThatThrownBy(
                                () -> readAll(statement, "SELECT wipe(6000 - n * 1000) FROM generate_series(0, 5) n"))
                        .isInstanceOf(ImpactLimitException.class);
            }
            if (first) {
                execute("SELECT 1");
            }
        }
        connection.commit();
        assertNothingChanged();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "SELECT opens('c')",
                "SELECT opens_and_only_looks('c')",
                "DO $$ DECLARE c refcursor := 'c'; BEGIN OPEN c FOR SELECT wipe() FROM generate_series(1, 2); END $$",
                "CALL opening('c')"
            })
    void what_a_cursor_runs_that_a_function_opened_is_refused_or_counted(String opening) throws SQLException {
        String open =
                " LANGUAGE plpgsql AS 'BEGIN OPEN $1 FOR SELECT wipe() FROM generate_series(1, 2); RETURN $1; END'";
        database.run(
                "CREATE FUNCTION wipe() RETURNS int LANGUAGE plpgsql AS 'BEGIN DELETE FROM users; RETURN 1; END'",
                "CREATE FUNCTION opens(refcursor) RETURNS refcursor" + open,
                "CREATE FUNCTION opens_and_only_looks(refcursor) RETURNS refcursor STABLE" + open,
                "CREATE PROCEDURE opening(refcursor)" + open.replace("RETURN $1; ", ""));
        try (Backstop application = Backstop.builder()
                        .policy("application")
                        .snapshots(new FakeSnapshots())
                        .control(folder.resolve("application.db"))
                        .build();
                Connection guarded = application.guard(database.connect());
                Statement statement = guarded.createStatement()) {
            guarded.setAutoCommit(false);
            for (String fetch :
                    new String[] {"FETCH 1 FROM c", "FETCH ALL FROM c", "MOVE 1 FROM c", "FETCH 1 FROM c"}) {
                statement.execute(opening);
                assertThatThrownBy(() -> statement.execute(fetch))
                        .as(fetch)
                        .isInstanceOfAny(StatementBlockedException.class, ImpactLimitException.class);
                guarded.rollback();
            }
            if (opening.startsWith("SELECT")) {
                assertThatThrownBy(() -> {
                            try (ResultSet row = statement.executeQuery(opening)) {
                                row.next();
                                row.getObject(1);
                            }
                        })
                        .isInstanceOf(SQLException.class);
                guarded.commit();
            }
        }
        assertNothingChanged();
    }

    private static void readAll(Statement statement, String sql) throws SQLException {
        try (ResultSet rows = statement.executeQuery(sql)) {
            while (rows.next()) {
                rows.getString(1);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "EXPLAIN ANALYZE EXECUTE p",
                "EXPLAIN (ANALYZE on, COSTS off) EXECUTE p",
                "EXPLAIN (ANALYZE 1) EXECUTE p",
                "CREATE TABLE made AS EXECUTE p",
                "CREATE TEMP TABLE made AS EXECUTE p",
                "EXPLAIN ANALYZE CREATE TABLE made AS EXECUTE p"
            })
    void a_prepared_statement_is_counted_wherever_it_runs(String sql) throws SQLException {
        execute("PREPARE p AS WITH d AS (DELETE FROM users WHERE id > 0 RETURNING id) SELECT id FROM d");
        assertUndone(sql);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "EXECUTE 'SET LOCAL track_' || 'counts = off'; DELETE FROM users; EXECUTE 'SET LOCAL track_' || 'counts = on'",
                "EXECUTE 'SET LOCAL track_' || 'counts = off'; DELETE FROM users; EXECUTE 'RESET track_' || 'counts'",
                "PERFORM set_config('track_' || 'counts', 'off', true); DELETE FROM users;"
                        + " PERFORM set_config('track_' || 'counts', 'on', true)",
                "PERFORM set_config('track_' || 'counts', 'off', true); DELETE FROM users;"
                        + " PERFORM set_config('track_' || 'counts', NULL, true)"
            })
    void the_counters_cannot_be_switched_off_and_on_unseen(String body) throws SQLException {
        assertUndone("DO $$ BEGIN " + body + "; END $$", "");
        createTrigger("UPDATE", "notes", body.replace("RESET track_' || 'counts", "SET track_' || 'counts = on"));
        database.run("INSERT INTO notes VALUES (1)");
        if (!body.contains("NULL")) {
            assertUndone("UPDATE notes SET note = 'x' WHERE id = 1", "");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "PERFORM dblink_exec('%s', 'DELETE FROM users')",
                "EXECUTE 'SELECT dbl' || 'ink_exec(''%s'', ''DELETE FROM users'')'",
                "COPY users TO PROGRAM 'cat > /dev/null'; DELETE FROM users",
                "EXECUTE 'COPY users TO PRO' || 'GRAM ''cat > /dev/null'''; DELETE FROM users"
            })
    void what_a_block_does_beyond_its_transaction_is_past_the_limit(String body) throws SQLException {
        database.run("CREATE EXTENSION IF NOT EXISTS dblink");
        String place = database.url().replaceFirst("^jdbc:", "");
        assertUndone("DO $$ BEGIN " + body.formatted(place) + "; END $$", "");
    }

    /** What a file held is not there again after a rollback. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "COPY users TO '%s'",
                "COPY (SELECT 1) TO E'%s'",
                "COPY notes FROM '%s'",
                "copy users to /* there */ -- and\n '%s' WITH (FORMAT csv)",
                "COPY users TO $f$%s$f$"
            })
    void a_file_of_the_server_is_not_touched_by_a_block_or_function(String copy) throws SQLException {
        String deed = copy.formatted(folder.resolve("file"));
        database.run("CREATE FUNCTION copies() RETURNS void LANGUAGE plpgsql AS $$ BEGIN " + deed + "; END $$");
        for (String sql :
                List.of("DO $$ BEGIN " + deed + "; END $$", "SELECT copies()", "DO 'BEGIN PERFORM copies(); END'")) {
            assertUndone(sql, "the write was not run: what it changes cannot be counted: ");
        }
        assertThat(folder.resolve("file")).doesNotExist();
    }

    @Test
    void a_copy_that_is_no_command_is_no_file() throws SQLException {
        execute("DO $$ BEGIN INSERT INTO notes VALUES (1, 'a copy to keep'); END $$");
        assertThat(database.value("SELECT note FROM notes")).isEqualTo("a copy to keep");
    }

    @Test
    void a_function_or_trigger_that_leaves_its_transaction_is_past_the_limit() throws SQLException {
        database.run("CREATE EXTENSION IF NOT EXISTS dblink");
        String place = database.url().replaceFirst("^jdbc:", "");
        database.run(
                "CREATE FUNCTION leaves() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM public.dblink_exec('"
                        + place + "', 'DELETE FROM users'); END $$",
                "CREATE FUNCTION calls_it() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM leaves(); END $$",
                "CREATE PROCEDURE leave() LANGUAGE plpgsql AS $$ BEGIN PERFORM calls_it(); END $$");
        createTrigger("INSERT OR UPDATE", "notes", "PERFORM calls_it()");
        assertUndone("SELECT calls_it()", "the write was not run: ");
        assertUndone("CALL leave()", "the write was not run: ");
        assertUndone("INSERT INTO notes VALUES (1)", "the write was not run: ");
    }

    @Test
    void what_a_procedure_changes_is_counted() throws SQLException {
        database.run(
                "CREATE PROCEDURE wipe() LANGUAGE plpgsql AS 'BEGIN DELETE FROM users; END'",
                "CREATE PROCEDURE wipe_and_commit() LANGUAGE plpgsql AS 'BEGIN DELETE FROM users; COMMIT; END'",
                "CREATE PROCEDURE note(INOUT n int) LANGUAGE plpgsql AS"
                        + " 'BEGIN INSERT INTO notes VALUES (n); n := n + 1; END'");
        assertUndone("CALL wipe()");
        assertUndone("CALL wipe_and_commit()", "the code ends its own transaction");
        assertThatThrownBy(() -> {
                    try (CallableStatement call = connection.prepareCall("CALL wipe()")) {
                        call.execute();
                    }
                })
                .isInstanceOf(ImpactLimitException.class);
        try (CallableStatement call = connection.prepareCall("CALL note(?)")) {
            call.setInt(1, 7);
            call.registerOutParameter(1, java.sql.Types.INTEGER);
            call.execute();
            assertThat(call.getInt(1)).isEqualTo(8);
        }
        assertNothingChanged();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "CREATE TRIGGER t BEFORE INSERT ON notes EXECUTE FUNCTION wiping()",
                "CREATE RULE r AS ON INSERT TO notes DO ALSO DELETE FROM users",
                "ALTER TABLE notes ALTER note SET DEFAULT wipe()::text",
                "ALTER TABLE notes ADD CHECK (wipe() = 1)",
                "CREATE DOMAIN checked AS text CHECK (wipe() = 1); ALTER TABLE notes ALTER note TYPE checked",
                "CREATE INDEX ON notes ((disguised(id)))",
                "CREATE INDEX ON notes (id) WHERE disguised(id) = 1",
                "ALTER TABLE notes ENABLE ROW LEVEL SECURITY; ALTER TABLE notes FORCE ROW LEVEL SECURITY;"
                        + " CREATE POLICY p ON notes WITH CHECK (wipe() = 1)",
                "ALTER TABLE notes ADD made int GENERATED ALWAYS AS (disguised(id)) STORED",
                "ALTER TABLE notes RENAME TO notes_table; CREATE VIEW notes AS SELECT * FROM notes_table;"
                        + " CREATE TRIGGER t INSTEAD OF INSERT ON notes FOR EACH ROW EXECUTE FUNCTION wiping()",
                "DROP TABLE notes; CREATE TABLE notes (id int, note text) PARTITION BY LIST (id);"
                        + " CREATE TABLE part PARTITION OF notes DEFAULT;"
                        + " CREATE TRIGGER t BEFORE INSERT ON part FOR EACH ROW EXECUTE FUNCTION wiping()"
            })
    void what_an_insert_sets_off_is_counted(String ddl) throws SQLException {
        database.run(
                "CREATE FUNCTION wipe() RETURNS int LANGUAGE plpgsql AS 'BEGIN DELETE FROM users; RETURN 1; END'",
                "CREATE FUNCTION disguised(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS"
                        + " 'BEGIN RETURN public.wipe(); END'",
                "CREATE FUNCTION wiping() RETURNS trigger LANGUAGE plpgsql AS"
                        + " 'BEGIN DELETE FROM users; RETURN NEW; END'");
        database.run(ddl.split("; ?(?=[A-Z])"));
        database.run(
                "DO 'BEGIN CREATE ROLE reader; EXCEPTION WHEN duplicate_object THEN NULL; END'",
                "GRANT ALL ON ALL TABLES IN SCHEMA public TO reader",
                "GRANT USAGE ON SCHEMA public TO reader");
        if (ddl.contains("POLICY")) {
            try (Connection plain = database.connect();
                    Statement role = plain.createStatement()) {
                role.execute("SET ROLE reader");
                try (Connection guarded = backstop.guard(plain);
                        Statement statement = guarded.createStatement()) {
                    assertThatThrownBy(() -> statement.execute("INSERT INTO notes (id) VALUES (1)"))
                            .isInstanceOf(ImpactLimitException.class);
                }
            }
            assertNothingChanged();
        } else {
            assertUndone("INSERT INTO notes (id) VALUES (1)");
            assertThatThrownBy(() -> {
                        try (PreparedStatement insert =
                                connection.prepareStatement("INSERT INTO notes (id) VALUES (?)")) {
                            insert.setInt(1, 1);
                            insert.executeUpdate();
                        }
                    })
                    .isInstanceOf(ImpactLimitException.class);
            assertNothingChanged();
        }
    }

    @Test
    void an_insert_that_sets_nothing_off_is_not_counted() throws SQLException {
        database.run(
                "ALTER TABLE notes ALTER id SET DEFAULT 7, ADD at timestamptz DEFAULT now(),"
                        + " ADD author int REFERENCES users, ADD CHECK (length(note) < 100)",
                "CREATE INDEX ON notes (lower(note))",
                "CREATE TABLE other (id int)");
        createTrigger("INSERT", "other", "PERFORM 1");
        execute("INSERT INTO notes (note, author) VALUES ('a', 1)");
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("SELECT pg_current_xact_id()::text")) {
            rows.next();
            long before = rows.getLong(1);
            connection.setAutoCommit(false);
            execute("INSERT INTO notes (note, author) VALUES ('b', 1)");
            assertThat(database.value("SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
                            + " WHERE l.locktype = 'transactionid' AND a.datname = current_database()"
                            + " AND a.pid <> pg_backend_pid()"))
                    .as("transactions after %s: no savepoint was taken", before)
                    .isEqualTo("1");
            connection.commit();
            connection.setAutoCommit(true);
        }
        assertThat(database.value("SELECT count(*) FROM notes")).isEqualTo("2");
    }

    @Test
    void a_trigger_of_the_sessions_own_transaction_is_seen_by_its_insert() throws SQLException {
        execute("INSERT INTO notes VALUES (1)");
        connection.setAutoCommit(false);
        execute("CREATE FUNCTION fired() RETURNS trigger LANGUAGE plpgsql AS"
                + " $$ BEGIN DELETE FROM users; RETURN NULL; END $$");
        execute("CREATE TRIGGER fired AFTER INSERT ON notes EXECUTE FUNCTION fired()");
        try (Connection other = backstop.guard(database.connect());
                Statement statement = other.createStatement()) {
            statement.execute("INSERT INTO users VALUES (5001, 'user 5001')");
            statement.execute("DELETE FROM users WHERE id = 5001");
        }
        assertThatThrownBy(() -> execute("INSERT INTO notes VALUES (1)")).isInstanceOf(ImpactLimitException.class);
        connection.commit();
        assertNothingChanged();
    }

    private void createDeferredTrigger(String deed) throws SQLException {
        database.run(
                "CREATE FUNCTION fired() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN " + deed
                        + "; RETURN NULL; END $$",
                "CREATE CONSTRAINT TRIGGER fired AFTER INSERT OR UPDATE ON notes DEFERRABLE INITIALLY DEFERRED"
                        + " FOR EACH ROW EXECUTE FUNCTION fired()");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "commit()",
                "setAutoCommit(true)",
                "COMMIT",
                "END",
                "COMMIT AND CHAIN",
                "COMMIT; SELECT 1",
                "SET CONSTRAINTS ALL IMMEDIATE",
                "SET CONSTRAINTS fired IMMEDIATE"
            })
    void deferred_triggers_are_counted_before_the_commit(String end) throws SQLException {
        createDeferredTrigger("DELETE FROM users");
        connection.setAutoCommit(false);
        execute("INSERT INTO notes VALUES (1)");
        assertThatThrownBy(() -> {
                    switch (end) {
                        case "commit()" -> connection.commit();
                        case "setAutoCommit(true)" -> connection.setAutoCommit(true);
                        default -> execute(end);
                    }
                })
                .isInstanceOf(ImpactLimitException.class)
                .hasMessageStartingWith("the deferred triggers of the transaction were undone: it changed 5000 rows");
        connection.rollback();
        assertNothingChanged();
        assertThat(database.value("SELECT count(*) FROM notes")).isEqualTo("0");
    }

    @Test
    void deferred_triggers_within_the_limits_run_when_their_transaction_commits() throws SQLException {
        createDeferredTrigger("DELETE FROM users WHERE id = 5000");
        database.run("ALTER TABLE notes ADD author int REFERENCES users DEFERRABLE INITIALLY DEFERRED");
        connection.setAutoCommit(false);
        execute("INSERT INTO notes VALUES (1, 'x', 6000)");
        execute("INSERT INTO users VALUES (6000, 'user 6000')");
        connection.commit();
        execute("INSERT INTO notes VALUES (1, 'x', 7000)");
        assertThatThrownBy(connection::commit)
                .isInstanceOfSatisfying(
                        SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo("23503"));
        connection.rollback();
        assertThatCode(() -> execute("SELECT 1")).doesNotThrowAnyException();
        assertThat(database.value("SELECT count(*) FROM users WHERE id IN (5000, 6000)"))
                .isEqualTo("1");
        assertThat(database.value("SELECT count(*) FROM notes")).isEqualTo("1");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "INSERT INTO users SELECT n FROM generate_series(6001, 6200) AS n",
                "INSERT INTO over_users SELECT n FROM generate_series(6001, 6200) AS n",
                "DO 'BEGIN INSERT INTO users SELECT n FROM generate_series(6001, 6200) AS n; END'"
            })
    void rows_that_a_transaction_inserts_do_not_stretch_the_share_of_what_was_there(String insert) throws SQLException {
        database.run("DELETE FROM users WHERE id > 100", "CREATE VIEW over_users AS SELECT * FROM users");
        connection.setAutoCommit(false);
        execute(insert);
        assertThatThrownBy(() -> execute("DELETE FROM users WHERE id <= 60"))
                .isInstanceOf(ImpactLimitException.class)
                .hasMessageContaining("it changed 60 rows, more than 50 percent of users");
        execute("DELETE FROM users WHERE id <= 50");
        connection.commit();
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("250");
    }

    @Test
    void a_table_that_a_transaction_fills_may_be_changed_in_it() throws SQLException {
        connection.setAutoCommit(false);
        execute("INSERT INTO notes SELECT n FROM generate_series(1, 100) AS n");
        execute("UPDATE notes SET note = 'x' WHERE id <= 40");
        connection.commit();
        assertThat(database.value("SELECT count(*) FROM notes WHERE note = 'x'"))
                .isEqualTo("40");
    }

    @Test
    void rows_of_an_earlier_transaction_are_the_tables_own() throws SQLException {
        database.run("DELETE FROM users WHERE id > 3");
        connection.setAutoCommit(false);
        execute("INSERT INTO users SELECT n FROM generate_series(6001, 6100) AS n");
        connection.commit();
        try (Statement statement = connection.createStatement()) {
            statement.executeQuery("SELECT count(*) FROM users").close();
        }
        execute("DELETE FROM users WHERE id <= 3");
        connection.commit();
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("100");
    }
}
