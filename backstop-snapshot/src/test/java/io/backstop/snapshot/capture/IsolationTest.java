package io.backstop.snapshot.capture;

import io.backstop.api.analysis.Destruction.Kind;
import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.snapshot.Connections;
import io.backstop.api.snapshot.Progress;
import io.backstop.api.snapshot.SecuredRows;
import io.backstop.snapshot.internal.lock.TableLocks;
import io.backstop.snapshot.internal.reach.BlastRadius;
import io.backstop.snapshot.internal.reach.BlastRadiusResolver;
import io.backstop.snapshot.internal.session.CallerSession;
import io.backstop.snapshot.internal.session.SearchPath;
import io.backstop.snapshot.store.MemoryObjectStore;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.PGConnection;

import java.io.StringReader;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import static io.backstop.snapshot.capture.Securing.cascading;
import static io.backstop.snapshot.capture.Securing.only;
import static io.backstop.snapshot.capture.Securing.plain;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** What is stored is what goes, whatever the isolation level and however old the transaction's snapshot. */
@ExtendWith(PostgresExtension.class)
class IsolationTest {
    private static final String OLD_AND_UNSEEN =
            "the transaction runs at %s and had begun before, so %s may hold rows that "
                    + "it cannot see and that would go unsaved\nHINT: make the statement the first of its transaction, or run it at "
                    + "READ COMMITTED";

    private final Securing securing = new Securing(new MemoryObjectStore());
    private TestDatabase database;

    /** The levels at which a transaction sees rows of one moment. */
    enum Level {
        REPEATABLE_READ(Connection.TRANSACTION_REPEATABLE_READ),
        SERIALIZABLE(Connection.TRANSACTION_SERIALIZABLE);

        private final int number;

        Level(int number) {
            this.number = number;
        }

        String words() {
            return name().replace('_', ' ').toLowerCase(Locale.ROOT);
        }
    }

    @BeforeEach
    void tables(TestDatabase database) throws SQLException {
        this.database = database;
        database.run(
                "DROP SCHEMA public CASCADE",
                "CREATE SCHEMA public",
                "CREATE TABLE a (id integer PRIMARY KEY)",
                "CREATE TABLE b (id integer)",
                "INSERT INTO a VALUES (1), (2)",
                "INSERT INTO b VALUES (3)");
    }

    private Connection begin(Level level) throws SQLException {
        Connection connection = Securing.begin(database);
        connection.setTransactionIsolation(level.number);
        return connection;
    }

    /** A transaction whose snapshot is older than everything that comes after this call. */
    private Connection beginAndRead(Level level) throws SQLException {
        Connection connection = begin(level);
        Securing.value(connection, "SELECT count(*) FROM a");
        return connection;
    }

    /** Waits until so many sessions wait for a lock on the table. */
    private void awaitWaiters(String table, int number) throws SQLException {
        try (Connection watcher = database.connect()) {
            String waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = '" + table + "'::regclass";
            while (!Securing.value(watcher, waiting).equals(String.valueOf(number))) {
                Thread.onSpinWait();
            }
        }
    }

    private CompletableFuture<SecuredRows> secureElsewhere(
            Connection connection, Securing with, Kind kind, String... names) {
        return CompletableFuture.supplyAsync(() -> {
            try {
                return with.secure(connection, plain(kind, names));
            } catch (RecoveryNotReadyException e) {
                throw new CompletionException(e);
            }
        });
    }

    @ParameterizedTest
    @CsvSource({
        "REPEATABLE_READ, TRUNCATE", "REPEATABLE_READ, DROP_TABLE", "REPEATABLE_READ, ALTER_TABLE",
        "REPEATABLE_READ, DELETE", "SERIALIZABLE, TRUNCATE", "SERIALIZABLE, DELETE"
    })
    void the_first_statement_of_a_transaction_sees_what_came_while_it_waited(Level level, Kind kind) throws Exception {
        try (Connection writer = Securing.begin(database);
                Connection connection = begin(level)) {
            Securing.run(writer, "INSERT INTO a VALUES (9)", "DELETE FROM a WHERE id = 1");
            CompletableFuture<SecuredRows> secured = secureElsewhere(connection, securing, kind, "a");
            awaitWaiters("a", 1);
            writer.commit();
            assertThat(securing.rows(database, only(secured.join()))).containsExactlyInAnyOrder("2", "9");
            assertThat(Securing.value(connection, "SHOW transaction_isolation")).isEqualTo(level.words());
            Securing.run(connection, "DELETE FROM a");
            secured.join().confirmNothingElseWasDestroyed();
            connection.commit();
        }
    }

    @ParameterizedTest
    @EnumSource
    void what_joined_the_reach_while_the_locks_were_waited_for_is_locked_and_saved_too(Level level) throws Exception {
        try (Connection other = Securing.begin(database);
                Connection connection = begin(level)) {
            Securing.run(
                    other,
                    "CREATE TABLE child (id integer REFERENCES a ON DELETE CASCADE)",
                    "INSERT INTO child VALUES (1)");
            CompletableFuture<SecuredRows> secured = secureElsewhere(connection, securing, Kind.DELETE, "a");
            awaitWaiters("a", 1);
            other.commit();
            assertThat(Securing.tables(secured.join())).containsExactly("public.a", "public.child");
            Securing.run(connection, "DELETE FROM a");
            secured.join().confirmNothingElseWasDestroyed();
            connection.commit();
        }
        assertThat(database.value("SELECT count(*) FROM child")).isEqualTo("0");
    }

    @Test
    void the_transaction_is_as_the_caller_chose_it() throws Exception {
        try (Connection connection = begin(Level.SERIALIZABLE)) {
            Securing.run(connection, "SET search_path = public, pg_catalog", "SET lock_timeout = '61s'");
            connection.commit();
            SecuredRows secured = securing.secure(connection, plain(Kind.TRUNCATE, "a"));
            assertThat(Securing.value(connection, "SHOW search_path")).isEqualTo("public, pg_catalog");
            assertThat(Securing.value(connection, "SHOW lock_timeout")).isEqualTo("61s");
            assertThat(Securing.value(connection, "SHOW transaction_isolation")).isEqualTo("serializable");
            assertThat(connection.getAutoCommit()).isFalse();
            Securing.run(connection, "TRUNCATE a");
            secured.confirmNothingElseWasDestroyed();
            connection.commit();
            assertThat(Securing.value(connection, "SHOW transaction_isolation")).isEqualTo("serializable");
        }
        assertThat(database.value("SELECT count(*) FROM a")).isEqualTo("0");
    }

    @Test
    void a_refused_first_statement_leaves_no_transaction_behind() throws Exception {
        Securing impatient = new Securing(new MemoryObjectStore(), Duration.ofMillis(20));
        try (Connection other = Securing.begin(database);
                Connection connection = begin(Level.REPEATABLE_READ)) {
            Securing.run(other, "INSERT INTO b VALUES (4)");
            assertThatThrownBy(() -> impatient.secure(connection, plain(Kind.TRUNCATE, "a", "b")))
                    .isInstanceOf(RecoveryNotReadyException.class)
                    .hasMessage(
                            "table public.b could not be locked: canceling statement due to lock timeout; nothing was "
                                    + "changed\nHINT: another transaction held it for more than 20 ms; run it again later");
            assertThat(new CallerSession(connection).inTransaction()).isFalse();
            assertThat(Securing.value(connection, "SHOW transaction_isolation")).isEqualTo("repeatable read");
            assertThat(Securing.value(connection, "SELECT count(*) FROM a")).isEqualTo("2");
        }
    }

    @ParameterizedTest
    @CsvSource({
        "REPEATABLE_READ, TRUNCATE",
        "REPEATABLE_READ, DROP_TABLE",
        "REPEATABLE_READ, ALTER_TABLE",
        "SERIALIZABLE, TRUNCATE"
    })
    void what_takes_all_rows_at_once_is_refused_in_a_transaction_that_had_begun(Level level, Kind kind)
            throws Exception {
        try (Connection connection = beginAndRead(level)) {
            Securing.run(connection, "INSERT INTO b VALUES (4)");
            database.run("INSERT INTO a VALUES (9)");
            assertThatThrownBy(() -> securing.secure(connection, plain(kind, "a")))
                    .isInstanceOf(RecoveryNotReadyException.class)
                    .hasMessage(OLD_AND_UNSEEN.formatted(level.words(), "table a"));
            assertThat(securing.store.list("")).isEmpty();
            connection.commit();
        }
        assertThat(database.value("SELECT count(*) FROM a")).isEqualTo("3");
        assertThat(database.value("SELECT count(*) FROM b")).isEqualTo("2");
    }

    @Test
    void a_begin_in_sql_counts_as_begun() throws Exception {
        try (Connection connection = database.connect()) {
            Securing.run(connection, "BEGIN ISOLATION LEVEL REPEATABLE READ");
            assertThatThrownBy(() -> securing.secure(connection, plain(Kind.TRUNCATE, "a")))
                    .isInstanceOf(RecoveryNotReadyException.class)
                    .hasMessage(OLD_AND_UNSEEN.formatted("repeatable read", "table a"));
            Securing.run(connection, "LOCK TABLE a");
            assertThatThrownBy(() -> securing.secure(connection, plain(Kind.TRUNCATE, "a")))
                    .isInstanceOf(RecoveryNotReadyException.class);
            assertThatThrownBy(() -> securing.secure(connection, cascading(Kind.DROP_SCHEMA, "public")))
                    .isInstanceOf(RecoveryNotReadyException.class)
                    .hasMessage(OLD_AND_UNSEEN.formatted("repeatable read", "schema public"));
            Securing.run(connection, "COMMIT");
        }
    }

    @ParameterizedTest
    @EnumSource
    void an_old_snapshot_deletes_what_it_sees_and_that_is_saved(Level level) throws Exception {
        try (Connection connection = beginAndRead(level)) {
            Securing.run(connection, "INSERT INTO a VALUES (5)");
            database.run("INSERT INTO a VALUES (9)");
            SecuredRows secured = securing.secure(connection, plain(Kind.DELETE, "a"));
            assertThat(securing.rows(database, only(secured))).containsExactlyInAnyOrder("1", "2", "5");
            Securing.run(connection, "DELETE FROM a");
            secured.confirmNothingElseWasDestroyed();
            connection.commit();
        }
        assertThat(database.rows("SELECT id FROM a")).containsExactly("9");
    }

    @ParameterizedTest
    @ValueSource(strings = {"DELETE FROM a WHERE id = 1", "UPDATE a SET id = 10"})
    void rows_that_others_changed_since_make_the_statement_fail(String sql) throws Exception {
        try (Connection connection = beginAndRead(Level.REPEATABLE_READ)) {
            database.run("UPDATE a SET id = id WHERE id = 1");
            securing.secure(connection, plain(sql.startsWith("D") ? Kind.DELETE : Kind.UPDATE, "a"));
            assertThatThrownBy(() -> Securing.run(connection, sql))
                    .isInstanceOfSatisfying(
                            SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo("40001"));
        }
        assertThat(database.value("SELECT count(*) FROM a WHERE id IN (1, 2)")).isEqualTo("2");
    }

    /** The cascade looks with a snapshot of its own, newer than the transaction's: only its crosscheck stops it. */
    @ParameterizedTest
    @CsvSource({
        "CASCADE, INSERT INTO c VALUES (1), DELETE FROM a",
        "SET NULL, INSERT INTO c VALUES (1), DELETE FROM a",
        "SET DEFAULT, UPDATE c SET id = 1 WHERE id = 2, DELETE FROM a WHERE id = 1",
        "CASCADE, INSERT INTO c VALUES (1), UPDATE a SET id = id + 10"
    })
    void a_cascade_to_rows_that_the_snapshot_does_not_see_fails(String action, String meanwhile, String sql)
            throws Exception {
        database.run(
                "CREATE TABLE c (id integer DEFAULT 2 REFERENCES a ON DELETE " + action + " ON UPDATE CASCADE)",
                "INSERT INTO c VALUES (2)");
        try (Connection connection = beginAndRead(Level.REPEATABLE_READ)) {
            database.run(meanwhile);
            SecuredRows secured =
                    securing.secure(connection, plain(sql.startsWith("D") ? Kind.DELETE : Kind.UPDATE, "a"));
            assertThat(Securing.tables(secured)).containsExactly("public.a", "public.c");
            assertThatThrownBy(() -> Securing.run(connection, sql))
                    .isInstanceOfSatisfying(
                            SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo("40001"));
        }
        assertThat(database.value("SELECT count(*) FROM a WHERE id IN (1, 2)")).isEqualTo("2");
    }

    @Test
    void cascades_partitions_children_and_views_are_saved_as_an_old_snapshot_sees_them() throws Exception {
        database.run(
                "CREATE TABLE c (id integer, of_a integer REFERENCES a ON DELETE CASCADE) PARTITION BY LIST (id)",
                "CREATE TABLE c1 PARTITION OF c FOR VALUES IN (1)",
                "CREATE TABLE a_child () INHERITS (a)",
                "CREATE VIEW v AS SELECT * FROM a",
                "INSERT INTO c VALUES (1, 1)",
                "INSERT INTO a_child VALUES (7)");
        try (Connection connection = beginAndRead(Level.REPEATABLE_READ)) {
            database.run("INSERT INTO a_child VALUES (8)");
            SecuredRows secured = securing.secure(connection, plain(Kind.DELETE, "v"));
            assertThat(Securing.tables(secured)).containsExactly("public.a", "public.a_child", "public.c", "public.c1");
            Securing.run(connection, "DELETE FROM v");
            secured.confirmNothingElseWasDestroyed();
            connection.commit();
            List<String> stored = new ArrayList<>();
            for (var manifest : secured.manifests()) {
                stored.addAll(securing.rows(database, manifest));
            }
            assertThat(stored).containsExactlyInAnyOrder("1", "2", "7", "1\t1");
        }
        assertThat(database.rows("SELECT id FROM a")).containsExactly("8");
    }

    @Test
    void a_saved_table_that_a_trigger_truncates_is_a_loss_where_the_snapshot_is_old() throws Exception {
        database.run(
                "CREATE FUNCTION empty_b() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN TRUNCATE b; RETURN NULL; END $$",
                "CREATE TRIGGER empty_b AFTER DELETE ON a FOR EACH STATEMENT EXECUTE FUNCTION empty_b()");
        try (Connection connection = beginAndRead(Level.REPEATABLE_READ)) {
            database.run("INSERT INTO b VALUES (9)");
            SecuredRows secured = securing.service.secure(
                    connection,
                    Connections.NONE,
                    Securing.request(List.of(plain(Kind.DELETE, "a")), List.of("b"), Long.MAX_VALUE),
                    Progress.SILENT);
            Securing.run(connection, "DELETE FROM a");
            assertThatThrownBy(secured::confirmNothingElseWasDestroyed)
                    .isInstanceOf(RecoveryNotReadyException.class)
                    .hasMessageStartingWith("table public.b was truncated or rewritten by the statement");
        }
    }

    /** COPY FREEZE shows rows even to older snapshots, and the table is not in the catalog that this one sees. */
    @Test
    void a_table_newer_than_the_snapshot_that_loses_rows_is_a_loss() throws Exception {
        try (Connection connection = beginAndRead(Level.REPEATABLE_READ)) {
            try (Connection other = Securing.begin(database)) {
                Securing.run(other, "CREATE TABLE newer (id integer REFERENCES a ON DELETE CASCADE)");
                other.unwrap(PGConnection.class)
                        .getCopyAPI()
                        .copyIn("COPY newer FROM STDIN (FREEZE)", new StringReader("1\n"));
                other.commit();
            }
            SecuredRows secured = securing.secure(connection, plain(Kind.DELETE, "a"));
            Securing.run(connection, "DELETE FROM a");
            assertThatThrownBy(secured::confirmNothingElseWasDestroyed)
                    .isInstanceOf(RecoveryNotReadyException.class)
                    .hasMessageStartingWith("table public.newer had rows updated or deleted by the statement");
        }
    }

    @Test
    void a_foreign_key_newer_than_the_snapshot_leads_to_a_loss_that_is_seen() throws Exception {
        try (Connection connection = beginAndRead(Level.REPEATABLE_READ)) {
            database.run("DELETE FROM b", "ALTER TABLE b ADD FOREIGN KEY (id) REFERENCES a ON DELETE CASCADE");
            Securing.run(connection, "INSERT INTO b VALUES (1)");
            SecuredRows secured = securing.secure(connection, plain(Kind.DELETE, "a"));
            Securing.run(connection, "DELETE FROM a");
            assertThatThrownBy(secured::confirmNothingElseWasDestroyed)
                    .isInstanceOf(RecoveryNotReadyException.class)
                    .hasMessageStartingWith("table public.b had rows updated or deleted by the statement");
        }
    }

    @Test
    void a_column_newer_than_the_snapshot_is_not_left_out_in_silence() throws Exception {
        try (Connection connection = beginAndRead(Level.SERIALIZABLE)) {
            database.run("ALTER TABLE b ADD COLUMN note text DEFAULT 'kept in no row'");
            assertThatThrownBy(() -> securing.secure(connection, plain(Kind.DELETE, "b")))
                    .isInstanceOf(RecoveryNotReadyException.class)
                    .hasMessage("table public.b was altered after the snapshot of the transaction at serializable\n"
                            + "HINT: run the statement in a new transaction");
            assertThat(Securing.value(connection, "SELECT count(*) FROM b")).isEqualTo("1");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "ALTER COLUMN name TYPE varchar(20)",
                "ALTER COLUMN name TYPE text",
                "ALTER COLUMN name TYPE varchar(10) COLLATE \"C\"",
                "ALTER COLUMN name DROP NOT NULL",
                "ALTER COLUMN name SET DEFAULT 'c'",
                "DROP CONSTRAINT d_name_check",
                "DROP CONSTRAINT d_code_key"
            })
    void what_was_altered_after_the_snapshot_is_not_stored_as_it_was_before(String alteration) throws Exception {
        database.run("CREATE TABLE d (name varchar(10) NOT NULL DEFAULT 'a' CHECK (name <> 'x'), code integer UNIQUE)");
        try (Connection connection = beginAndRead(Level.REPEATABLE_READ)) {
            database.run("ALTER TABLE d " + alteration);
            assertThatThrownBy(() -> securing.secure(connection, plain(Kind.DELETE, "a", "d")))
                    .isInstanceOf(RecoveryNotReadyException.class)
                    .hasMessage("table public.d was altered after the snapshot of the transaction at repeatable read\n"
                            + "HINT: run the statement in a new transaction");
            assertThat(only(securing.secure(connection, plain(Kind.DELETE, "a")))
                            .rowCount())
                    .isEqualTo(2);
        }
    }

    @ParameterizedTest
    @EnumSource
    void what_the_transaction_altered_itself_and_what_was_altered_before_it_is_stored(Level level) throws Exception {
        try (Connection other = Securing.begin(database)) {
            Securing.run(other, "ALTER TABLE b ALTER COLUMN id TYPE bigint, ALTER COLUMN id SET DEFAULT 8");
            other.rollback();
        }
        database.run("ALTER TABLE b ALTER COLUMN id SET NOT NULL", "ALTER TABLE b ALTER COLUMN id SET DEFAULT 7");
        try (Connection connection = beginAndRead(level)) {
            Securing.run(connection, "ALTER TABLE b ALTER COLUMN id TYPE text", "CREATE UNIQUE INDEX ON b (id)");
            SecuredRows secured = securing.secure(connection, plain(Kind.DELETE, "b"));
            assertThat(securing.rows(database, only(secured))).containsExactly("3");
        }
    }

    @Test
    void a_temporary_table_of_the_session_can_be_emptied_at_any_time() throws Exception {
        try (Connection connection = beginAndRead(Level.REPEATABLE_READ)) {
            Securing.run(connection, "CREATE TEMPORARY TABLE a (note text)", "INSERT INTO a VALUES ('mine')");
            SecuredRows secured = securing.secure(connection, plain(Kind.TRUNCATE, "a"));
            assertThat(securing.rows(database, only(secured))).containsExactly("mine");
            Securing.run(connection, "TRUNCATE a");
            secured.confirmNothingElseWasDestroyed();
            SecuredRows dropped = securing.secure(connection, cascading(Kind.DROP_TABLE, "a"));
            Securing.run(connection, "DROP TABLE a CASCADE");
            dropped.confirmNothingElseWasDestroyed();
            assertThatThrownBy(() -> securing.secure(connection, plain(Kind.DROP_TABLE, "a")))
                    .hasMessage(OLD_AND_UNSEEN.formatted("repeatable read", "table a"));
        }
    }

    @Test
    void a_foreign_table_loses_nothing_by_a_drop_and_is_not_emptied() throws Exception {
        database.run(
                "DROP FOREIGN DATA WRAPPER IF EXISTS nowhere CASCADE",
                "CREATE FOREIGN DATA WRAPPER nowhere",
                "CREATE SERVER elsewhere FOREIGN DATA WRAPPER nowhere",
                "CREATE FOREIGN TABLE far (id integer) SERVER elsewhere");
        try (Connection connection = Securing.begin(database)) {
            assertThatThrownBy(() -> securing.secure(connection, plain(Kind.TRUNCATE, "far")))
                    .isInstanceOf(RecoveryNotReadyException.class)
                    .hasMessageStartingWith("foreign table public.far has its rows on another server");
            SecuredRows secured = securing.secure(connection, plain(Kind.DROP_TABLE, "far"));
            Securing.run(connection, "DROP FOREIGN TABLE far");
            secured.confirmNothingElseWasDestroyed();
            assertThat(Securing.only(secured).rowCount()).isZero();
        }
    }

    /** 65 MiB, one row to a page: large enough for a second connection to be worth it. */
    @ParameterizedTest
    @CsvSource({"UNLOGGED, false, 1", "UNLOGGED, true, 0", "TEMPORARY, false, 0"})
    void a_second_connection_is_only_asked_for_what_it_can_see(String kind, boolean old, int asked) throws Exception {
        AtomicInteger connections = new AtomicInteger();
        Connections counted = () -> {
            connections.incrementAndGet();
            return Optional.empty();
        };
        try (Connection connection = database.connect()) {
            Securing.run(
                    connection,
                    "CREATE " + kind + " TABLE big (filling text) WITH (fillfactor = 10)",
                    "ALTER TABLE big ALTER COLUMN filling SET STORAGE PLAIN",
                    "INSERT INTO big SELECT repeat('x', 4000) FROM generate_series(1, 8300)");
            connection.setAutoCommit(false);
            if (old) {
                connection.setTransactionIsolation(Level.REPEATABLE_READ.number);
                Securing.value(connection, "SELECT count(*) FROM a");
            }
            SecuredRows secured = securing.service.secure(
                    connection,
                    counted,
                    Securing.request(List.of(plain(Kind.DELETE, "big")), List.of(), Long.MAX_VALUE),
                    Progress.SILENT);
            assertThat(only(secured).rowCount()).isEqualTo(8300);
        }
        assertThat(connections).hasValue(asked);
    }

    @Test
    void a_table_made_in_the_same_transaction_is_saved_where_rows_of_now_are_seen() throws Exception {
        try (Connection connection = Securing.begin(database)) {
            Securing.run(connection, "CREATE TABLE mine (id integer)", "INSERT INTO mine VALUES (1)", "LOCK TABLE a");
            SecuredRows secured = securing.secure(connection, plain(Kind.DROP_TABLE, "mine", "a"));
            assertThat(Securing.tables(secured)).containsExactly("public.a", "public.mine");
            Securing.run(connection, "DROP TABLE mine, a");
            secured.confirmNothingElseWasDestroyed();
        }
    }

    /** Each waits for the other, and the session that comes last to wait looks for deadlocks first and is their victim. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void a_deadlock_is_a_refusal_after_which_the_transaction_goes_on(boolean first) throws Exception {
        try (Connection holder = Securing.begin(database);
                Connection other = Securing.begin(database);
                Connection connection = first ? begin(Level.REPEATABLE_READ) : Securing.begin(database)) {
            Securing.run(other, "SET deadlock_timeout = '1h'", "INSERT INTO b VALUES (4)");
            Securing.run(connection, "SET deadlock_timeout = '10ms'");
            connection.commit();
            if (!first) {
                Securing.run(connection, "CREATE TABLE mine (id integer)");
            }
            Securing.run(holder, "LOCK TABLE a");
            CompletableFuture<SecuredRows> secured = secureElsewhere(connection, securing, Kind.TRUNCATE, "a", "b");
            awaitWaiters("a", 1);
            CompletableFuture<Void> otherInserts = CompletableFuture.runAsync(() -> {
                try {
                    Securing.run(other, "INSERT INTO a VALUES (77)");
                } catch (SQLException e) {
                    throw new CompletionException(e);
                }
            });
            awaitWaiters("a", 2);
            holder.commit();
            assertThatThrownBy(secured::join)
                    .cause()
                    .isInstanceOf(RecoveryNotReadyException.class)
                    .hasMessage(
                            "tables public.a, public.b could not be locked: deadlock detected; nothing was changed\n"
                                    + "HINT: another transaction waited for this one; run it again");
            otherInserts.join();
            other.commit();
            assertThat(new CallerSession(connection).inTransaction()).isEqualTo(!first);
            assertThat(Securing.value(connection, "SELECT count(*) FROM " + (first ? "b" : "mine")))
                    .isEqualTo(first ? "2" : "0");
            connection.commit();
        }
        assertThat(database.value("SELECT count(*) FROM a")).isEqualTo("3");
    }

    @Test
    void a_thousand_tables_are_locked_with_a_handful_of_statements() throws Exception {
        List<String> names = IntStream.range(0, 1201).mapToObj(i -> "many_" + i).toList();
        database.run(names.stream().map(name -> "CREATE TABLE " + name + " ()").collect(Collectors.joining(";")));
        List<String> locked = new ArrayList<>();
        try (Connection connection = Securing.begin(database)) {
            CallerSession plain = new CallerSession(connection);
            BlastRadius radius = new BlastRadiusResolver(plain, SearchPath.of(plain))
                    .resolve(Securing.request(
                            List.of(plain(Kind.TRUNCATE, names.toArray(String[]::new))),
                            List.of("a", "b"),
                            Long.MAX_VALUE));
            AtomicInteger statements = new AtomicInteger();
            Connection counted = (Connection) Proxy.newProxyInstance(
                    getClass().getClassLoader(), new Class<?>[] {Connection.class}, (proxy, method, arguments) -> {
                        if (method.getName().equals("createStatement")) {
                            statements.incrementAndGet();
                        }
                        return method.invoke(connection, arguments);
                    });
            new TableLocks(new CallerSession(counted), Duration.ofSeconds(10))
                    .lock(() -> radius, (step, subject, done, total) -> locked.add(subject));
            assertThat(locked)
                    .hasSize(1203)
                    .doesNotHaveDuplicates()
                    .startsWith("public.a", "public.b", "public.many_0");
            assertThat(statements).hasValueLessThan(20);
            connection.rollback();
        } finally {
            database.run(names.stream().map(name -> "DROP TABLE " + name).collect(Collectors.joining(";")));
        }
    }
}
