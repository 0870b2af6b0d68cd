package io.backstop.jdbc;

import io.backstop.api.error.ApprovalRequiredException;
import io.backstop.api.error.BackstopException;
import io.backstop.api.error.ImpactLimitException;
import io.backstop.jdbc.policy.PolicyReader;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.Sampled;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.junit.jupiter.params.provider.Arguments.arguments;

/** Ways to change the values of a protected column by a text that does not assign to it. */
@Sampled
@ExtendWith(PostgresExtension.class)
class ProtectedColumnsTest {
    private static final String CHANGES = "UPDATE public.t SET prot = 0 WHERE id < 5";
    private static final String PARTITIONED = "CREATE TABLE t (id int, k int, a int, prot int) PARTITION BY LIST (k)";
    private static final String PARTITIONS =
            "CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1); CREATE TABLE t2 PARTITION OF t FOR VALUES IN (2)";
    private static final String PARTITIONED_ROWS = "INSERT INTO t SELECT n, 1, n, n FROM generate_series(1, 20) AS n";
    private static final String TABLE = "CREATE TABLE t (id int PRIMARY KEY, a int, prot int)";
    private static final String ROWS = "INSERT INTO t SELECT n, n, n FROM generate_series(1, 20) AS n";
    private static final String CODE = "CREATE FUNCTION more() RETURNS int LANGUAGE plpgsql AS $$BEGIN IF"
            + " pg_trigger_depth() < 2 THEN UPDATE public.t SET prot = 0 WHERE id = 10; END IF; RETURN 1;"
            + " END$$; CREATE FUNCTION more(int, int) RETURNS boolean LANGUAGE sql AS 'SELECT more() = 1';"
            + " CREATE FUNCTION more(text) RETURNS int LANGUAGE sql AS 'SELECT more()';"
            + " CREATE OPERATOR === (FUNCTION = more, LEFTARG = int, RIGHTARG = int);"
            + " CREATE DOMAIN dm AS int CHECK (more() = VALUE OR VALUE > 0);"
            + " CREATE DOMAIN word AS int CHECK (more() > 0); CREATE VIEW view AS SELECT more();";
    private static final String POLICY = "{\"t\": [\"prot\"]}";

    @TempDir
    private Path folder;

    private TestDatabase database;

    @BeforeEach
    void take(TestDatabase testDatabase) throws SQLException {
        database = testDatabase;
        database.run(
                "DROP SCHEMA IF EXISTS public CASCADE",
                "DROP SCHEMA IF EXISTS s CASCADE",
                "CREATE ROLE ordinary LOGIN",
                "CREATE SCHEMA public AUTHORIZATION ordinary",
                "DO $$BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO ordinary', current_database()); END$$");
    }

    @AfterEach
    void drop() throws SQLException {
        database.run("DROP OWNED BY ordinary CASCADE", "DROP ROLE ordinary");
    }

    /** As a role that cannot switch the server's counters off: what a superuser's runs is refused for that before. */
    private void define(String... texts) throws SQLException {
        try (Connection connection = database.connect();
                Statement statement = connection.createStatement()) {
            statement.execute("SET ROLE ordinary");
            for (String text : texts) {
                statement.execute(text);
            }
        }
    }

    private Backstop backstop(String protectedColumns) throws Exception {
        return Backstop.builder()
                .policy(new PolicyReader()
                        .read(
                                "{\"require_approval_for_risks\": [\"CRITICAL\"], \"write_budget\": \"none\","
                                        + " \"protected_columns\": " + protectedColumns + "}",
                                "p"))
                .snapshots(new FakeSnapshots())
                .control(folder.resolve("backstop.db"))
                .build();
    }

    private void guarded(String protectedColumns, List<String> texts) throws Exception {
        try (Backstop backstop = backstop(protectedColumns);
                Connection connection = backstop.guard(
                        DriverManager.getConnection(database.url().replace("user=postgres", "user=ordinary")));
                Statement statement = connection.createStatement()) {
            for (String sql : texts) {
                statement.execute(sql);
            }
        }
    }

    private static String trigger(String when, String body) {
        return "CREATE FUNCTION code() RETURNS trigger LANGUAGE plpgsql AS $code$" + body
                + "$code$; CREATE TRIGGER code " + when + " EXECUTE FUNCTION code()";
    }

    static Stream<Arguments> roundabout() {
        String updates = "BEGIN " + CHANGES + "; RETURN NULL; END";
        return Stream.of(
                // rows that move between partitions
                partitioned(
                        "CREATE VIEW v AS SELECT id, k, a, prot AS other FROM t",
                        "UPDATE v SET other=0, k=2 WHERE id<5"),
                partitioned("", "DO $$BEGIN UPDATE t SET prot = 0, k = 2 WHERE id < 5; END$$"),
                partitioned(
                        "CREATE TABLE o (id int); "
                                + trigger(
                                        "AFTER INSERT ON o",
                                        "BEGIN UPDATE t SET prot = 0, k = 2 WHERE id < 5; RETURN NULL; END"),
                        "INSERT INTO o VALUES (1)"),
                partitioned(
                        trigger("BEFORE INSERT ON t2 FOR EACH ROW", "BEGIN NEW.prot := 0; RETURN NEW; END"),
                        "UPDATE t SET k = 2 WHERE id < 5"),
                // what other events of the table set off
                plain(trigger("AFTER INSERT ON t", updates), "INSERT INTO t (id, a) VALUES (500, 1)"),
                plain(trigger("AFTER DELETE ON t", updates), "DELETE FROM t WHERE id = 20"),
                plain(
                        trigger("AFTER INSERT ON t", updates),
                        "INSERT INTO t (id, a) VALUES (20, 1) ON CONFLICT (id) DO UPDATE SET a = 5"),
                plain(
                        "CREATE TABLE o (id int PRIMARY KEY, a int); INSERT INTO o VALUES (1, 1); "
                                + trigger("AFTER UPDATE ON o", updates),
                        "WITH x AS (UPDATE o SET a = 2 WHERE id = 1) UPDATE t SET a = 5 WHERE id = 20"),
                // foreign keys of the table to itself
                arguments(
                        "CREATE TABLE t (id int PRIMARY KEY, a int, prot int REFERENCES t ON UPDATE CASCADE ON DELETE SET NULL)",
                        "INSERT INTO t SELECT n, n, 1 FROM generate_series(1, 20) AS n",
                        "",
                        POLICY,
                        List.of("UPDATE t SET id = 999 WHERE id = 1")),
                arguments(
                        "CREATE TABLE t (id int PRIMARY KEY, a int, prot int REFERENCES t ON DELETE SET NULL)",
                        "INSERT INTO t SELECT n, n, CASE WHEN n < 8 THEN 1 ELSE 9 END FROM generate_series(1, 20) AS n",
                        "",
                        POLICY,
                        List.of("DELETE FROM t WHERE id = 1")),
                // generated columns
                arguments(
                        "CREATE TABLE t (id int PRIMARY KEY, a int, prot int GENERATED ALWAYS AS (a * 10) STORED)",
                        "INSERT INTO t SELECT n, n FROM generate_series(1, 20) AS n",
                        "",
                        POLICY,
                        List.of("UPDATE t SET a = 0 WHERE id < 5")),
                // another relation that has the table's name
                plain(
                        "",
                        "CREATE TEMP VIEW t AS SELECT id, a, prot AS other FROM public.t",
                        "UPDATE t SET other = 0 WHERE id < 5"),
                plain(
                        "CREATE SCHEMA s; CREATE VIEW s.t AS SELECT id, a, prot AS other FROM public.t",
                        "UPDATE s.t SET other = 0 WHERE id < 5"),
                plain(
                        "CREATE SCHEMA s; CREATE VIEW s.t AS SELECT id, a, prot AS other FROM public.t",
                        "SET search_path = s, public",
                        "UPDATE t SET other = 0 WHERE id < 5"),
                arguments(
                        TABLE,
                        ROWS,
                        "CREATE SCHEMA s; CREATE TABLE s.t (id int, a int); INSERT INTO s.t VALUES (1, 1); "
                                + trigger("AFTER UPDATE ON s.t", updates),
                        "{\"public.t\": [\"prot\"]}",
                        List.of("UPDATE s.t SET a = 2 WHERE id = 1")),
                // two entries of the policy
                arguments(
                        "CREATE TABLE p (id int, prot int); CREATE TABLE t (a int) INHERITS (p)",
                        "INSERT INTO t (id, a, prot) SELECT n, n, n FROM generate_series(1, 20) AS n",
                        "",
                        "{\"p\": [\"prot\"], \"t\": [\"a\"]}",
                        List.of("UPDATE t SET prot = 0 WHERE id < 5")),
                arguments(
                        PARTITIONED,
                        PARTITIONED_ROWS,
                        "",
                        "{\"t\": [\"prot\"], \"public.t\": [\"a\"]}",
                        List.of("UPDATE t1 SET prot = 0 WHERE id < 5")),
                arguments(
                        PARTITIONED,
                        PARTITIONED_ROWS,
                        "",
                        "{\"public.t\": [\"a\"], \"t\": [\"prot\"]}",
                        List.of("UPDATE t1 SET prot = 0 WHERE id < 5")),
                // triggers that fill the row without a word of the column
                row("BEGIN OLD := ROW(OLD.id, 7, 0); RETURN OLD; END"),
                row("DECLARE r ALIAS FOR new; BEGIN r := ROW(r.id, r.a, 0); RETURN NEW; END"),
                row("BEGIN IF NEW.a === 1 THEN RETURN NEW; END IF; RETURN NEW; END"),
                row("DECLARE d dm; BEGIN d := 5; RETURN NEW; END"),
                row("BEGIN NEW.a := '7'::word; RETURN NEW; END"),
                row("BEGIN NEW.a := more(); RETURN NEW; END"),
                // a trigger that runs text without a word for it, or makes itself another
                row("BEGIN NEW.a := length(query_to_xml('sel' || 'ect public.mo' || 're()', true, false, '')::text);"
                        + " RETURN NEW; END"),
                row("BEGIN NEW.a := length(table_to_xml(('public.vi' || 'ew')::regclass, true, false, '')::text);"
                        + " RETURN NEW; END"),
                row("BEGIN NEW.a := length(schema_to_xml('pub' || 'lic', true, false, '')::text); RETURN NEW; END"),
                row("BEGIN NEW.a := numnode(ts_rewrite('a'::tsquery, 'sel' || 'ect ''a''::tsquery, ''b''::tsquery where"
                        + " public.mo' || 're() = 1')); RETURN NEW; END"),
                row("BEGIN NEW.prot := 0; EXECUTE 'CREATE OR REPLACE FUNCTION code() RETURNS trigger LANGUAGE plpgsql"
                        + " AS ''BEGIN RETURN NEW; END'''; RETURN NEW; END"),
                plain(
                        trigger("BEFORE UPDATE ON t FOR EACH ROW", "BEGIN NEW.prot := 0; RETURN NEW; END"),
                        "UPDATE t SET a = 5 WHERE id < 5; ALTER TABLE t DISABLE TRIGGER code"),
                plain(
                        trigger("BEFORE UPDATE ON t FOR EACH ROW", "BEGIN NEW.prot := 0; RETURN NEW; END")
                                + "; ALTER TABLE t DISABLE TRIGGER code",
                        "ALTER TABLE t ENABLE TRIGGER code; UPDATE t SET a = 5 WHERE id < 5;"
                                + " ALTER TABLE t DISABLE TRIGGER code"),
                plain(
                        "CREATE SCHEMA s; CREATE VIEW s.t AS SELECT id, prot AS a FROM public.t",
                        "SET search_path = s; UPDATE t SET a = 0 WHERE id < 5"),
                // a trigger whose commands name nothing, or hide behind a comment
                row("BEGIN\n-- noreturn\nNEW := ROW(NEW.id, NEW.a, 0); RETURN NEW; END"),
                row("BEGIN\n-- return\nNEW := ROW(NEW.id, NEW.a, 0); RETURN NEW; END"),
                row("BEGIN\n\"new\" := ROW(NEW.id, NEW.a, 0); RETURN NEW; END"),
                other("BEGIN ANALYZE; RETURN NEW; END"),
                other("BEGIN ANALYSE; RETURN NEW; END"),
                other("BEGIN REINDEX INDEX built; RETURN NEW; END"),
                other("BEGIN SET CONSTRAINTS ALL IMMEDIATE; RETURN NEW; END"),
                // what a column's expression runs
                expression("ALTER a SET DEFAULT more()", "UPDATE t SET a = DEFAULT WHERE id = 1"),
                expression(
                        "ALTER a SET DEFAULT more()",
                        "INSERT INTO t (id) VALUES (2) ON CONFLICT (id) DO UPDATE SET a = DEFAULT"),
                expression(
                        "ALTER a SET DEFAULT length(query_to_xml('select public.more()', true, false, '')::text)",
                        "UPDATE t SET a = DEFAULT WHERE id = 1"),
                expression("ADD g int GENERATED ALWAYS AS (fixed(a)) STORED", "UPDATE t SET a = 77 WHERE id = 1"),
                expression("ALTER a SET DEFAULT more()", "INSERT INTO t (id) VALUES (500)"),
                arguments(
                        "CREATE FUNCTION made(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1';"
                                + " CREATE TABLE t (id int PRIMARY KEY, a int, b int,"
                                + " prot int GENERATED ALWAYS AS (made(a)) STORED)",
                        "INSERT INTO t SELECT n, n, n FROM generate_series(1, 20) AS n",
                        "CREATE OR REPLACE FUNCTION made(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 0';"
                                + trigger("BEFORE UPDATE ON t FOR EACH ROW", "BEGIN RETURN NEW; END"),
                        POLICY,
                        List.of("UPDATE t SET b = 0 WHERE id < 5")),
                // what the server plans for a foreign key
                linked(
                        "INSERT INTO ref VALUES (20); ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES ref",
                        "UPDATE t SET a = 5 WHERE id = 1"),
                linked("ALTER TABLE ref ADD FOREIGN KEY (k) REFERENCES t", "UPDATE t SET id = 500 WHERE id = 20"),
                // what is not there any more when it is looked for
                gone("ALTER FUNCTION fading(int) RENAME TO faded"),
                gone("DROP FUNCTION fading(int)"),
                gone("ALTER FUNCTION fading(int) SET SCHEMA s"),
                // what the server makes of keys of partitions, above the table and beyond a foreign key
                above("t", "", "UPDATE t SET a = 77 WHERE id = 1"),
                above("t", "", "UPDATE t SET a = 77 WHERE id = 1 RETURNING id"),
                above("t", "", "SELECT generate_series(1, 2); UPDATE t SET a = 77 WHERE id = 1"),
                above(
                        "t",
                        "",
                        "WITH u AS (UPDATE t SET a = 77 WHERE id = 1 RETURNING id) SELECT generate_series(1, 2) FROM u"),
                above("t", "", "WITH u AS (UPDATE t SET a = 77 WHERE id = 1) UPDATE t SET a = 5 WHERE id IN (4, 5)"),
                above(
                        "ref",
                        "INSERT INTO ref VALUES (20, 1); ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES ref;"
                                + " ALTER ROLE ordinary SET constraint_exclusion = on",
                        "UPDATE t SET a = 5 WHERE id = 1"),
                // labels and attributes that the values are read by
                labelled("ALTER TYPE kind RENAME VALUE 'open' TO 'paid'"),
                labelled("DO $$BEGIN ALTER TYPE kind RENAME VALUE 'open' TO 'paid'; END$$"),
                arguments(
                        "CREATE TYPE pair AS (a int, b int); CREATE TABLE t (id int, prot pair)",
                        "INSERT INTO t SELECT n, ROW(n, 2)::pair FROM generate_series(1, 20) AS n",
                        "",
                        POLICY,
                        List.of("ALTER TYPE pair RENAME ATTRIBUTE a TO z")),
                // a column that is not generated any more
                generated("ALTER TABLE t ALTER COLUMN prot DROP EXPRESSION"),
                generated("DO $$BEGIN ALTER TABLE t ALTER prot DROP EXPRESSION; END$$"),
                arguments(
                        "CREATE TABLE p (id int, a int, prot int GENERATED ALWAYS AS (a * 10) STORED);"
                                + " CREATE TABLE t () INHERITS (p)",
                        "INSERT INTO t SELECT n, n FROM generate_series(1, 20) AS n",
                        "",
                        POLICY,
                        List.of("ALTER TABLE p ALTER COLUMN prot DROP EXPRESSION")),
                // rows that are taken out and put back
                plain("", "WITH d AS (DELETE FROM t WHERE id = 1 RETURNING *) INSERT INTO t SELECT id, a, 0 FROM d"),
                plain("", "DELETE FROM t WHERE id = 1; INSERT INTO t (id, a) VALUES (1, 1)"),
                plain(
                        "",
                        "WITH d AS (DELETE FROM t WHERE id = 1 RETURNING *) INSERT INTO t (id, a) SELECT id, a FROM d"),
                plain("", "DO $$BEGIN DELETE FROM t WHERE id = 1; INSERT INTO t VALUES (1, 1, 0); END$$"));
    }

    /** Another table, of which code changes the column when it is analysed, built anew, or its constraints are checked. */
    private static Arguments other(String body) {
        return plain(
                CODE + "CREATE TABLE o (v int); INSERT INTO o VALUES (77);"
                        + " CREATE FUNCTION fixed(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$BEGIN"
                        + " IF current_setting('my.go', true) = 'on' THEN PERFORM public.more(); END IF; RETURN 1; END$$;"
                        + " CREATE INDEX built ON o (fixed(v)); CREATE FUNCTION later() RETURNS trigger LANGUAGE plpgsql"
                        + " AS $$BEGIN UPDATE public.t SET prot = 0 WHERE id = 10; RETURN NULL; END$$;"
                        + " CREATE CONSTRAINT TRIGGER later AFTER INSERT ON o DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
                        + " EXECUTE FUNCTION later();"
                        + trigger(
                                "BEFORE UPDATE ON t FOR EACH ROW",
                                body.replace("BEGIN", "BEGIN IF pg_trigger_depth() < 2 THEN")
                                        .replace(" RETURN", " END IF; RETURN")),
                body.contains("CONSTRAINTS") ? "BEGIN; INSERT INTO o VALUES (1)" : "SET my.go = 'on'",
                "UPDATE t SET a = 5 WHERE id = 1",
                "COMMIT");
    }

    /** Another table, of which an index is made of what changes the column when the planner looks at it. */
    private static Arguments linked(String key, String sql) {
        return plain(
                CODE + "CREATE FUNCTION fixed(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1';"
                        + " CREATE TABLE ref (k int PRIMARY KEY); INSERT INTO ref SELECT generate_series(1, 19);"
                        + " CREATE INDEX few ON ref (k) WHERE k <> fixed(77); " + key
                        + "; CREATE OR REPLACE FUNCTION fixed(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS"
                        + " $$BEGIN PERFORM public.more(); RETURN 1; END$$",
                sql);
    }

    /** A trigger's function that changes the column once, and then is not there by its name. */
    private static Arguments gone(String how) {
        return plain(
                CODE + "CREATE SCHEMA s; CREATE FUNCTION fading(int) RETURNS int LANGUAGE plpgsql AS $f$BEGIN"
                        + " UPDATE public.t SET prot = 0 WHERE id = 10; EXECUTE '" + how + "'; RETURN $1; END$f$;"
                        + trigger(
                                "BEFORE UPDATE ON t FOR EACH ROW",
                                "BEGIN IF NEW.id = 1 THEN NEW.a := fading(NEW.a); END IF; RETURN NEW; END"),
                "UPDATE t SET a = 5 WHERE id = 1");
    }

    /** A table that is a partition by what changes the column. */
    private static Arguments above(String table, String key, String sql) {
        String by = table.equals("t") ? "fixed(a)" : "k + fixed(77)";
        String made = "CREATE TABLE above (LIKE " + table + ") PARTITION BY RANGE ((" + by + ")); ALTER TABLE above"
                + " ATTACH PARTITION " + table + " FOR VALUES FROM (MINVALUE) TO (MAXVALUE); ";
        return plain(
                CODE + "CREATE FUNCTION fixed(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN $1; END';"
                        + (table.equals("t")
                                ? ""
                                : "CREATE TABLE ref (k int PRIMARY KEY, l int); INSERT INTO ref SELECT n, n FROM generate_series(1, 19) AS n;")
                        + made + key
                        + "; CREATE OR REPLACE FUNCTION fixed(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS"
                        + " $$BEGIN IF $1 = 77 THEN PERFORM public.more(); END IF; RETURN $1; END$$",
                sql);
    }

    private static Arguments labelled(String sql) {
        return arguments(
                "CREATE TYPE kind AS ENUM ('open', 'shut'); CREATE DOMAIN kinds AS kind[];"
                        + " CREATE TABLE t (id int, prot kinds)",
                "INSERT INTO t SELECT n, '{open}' FROM generate_series(1, 20) AS n",
                "",
                POLICY,
                List.of(sql));
    }

    private static Arguments generated(String sql) {
        return arguments(
                "CREATE TABLE t (id int PRIMARY KEY, a int, prot int GENERATED ALWAYS AS (a * 10) STORED)",
                "INSERT INTO t SELECT n, n FROM generate_series(1, 20) AS n",
                "",
                POLICY,
                List.of(sql));
    }

    private static Arguments expression(String alter, String sql) {
        return plain(
                CODE + "CREATE FUNCTION fixed(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$BEGIN"
                        + " IF $1 = 77 THEN PERFORM public.more(); END IF; RETURN 1; END$$; ALTER TABLE t " + alter,
                sql);
    }

    private static Arguments plain(String setup, String... texts) {
        return arguments(TABLE, ROWS, setup, POLICY, List.of(texts));
    }

    private static Arguments partitioned(String setup, String... texts) {
        return arguments(PARTITIONED, PARTITIONED_ROWS, setup, POLICY, List.of(texts));
    }

    private static Arguments row(String body) {
        return plain(CODE + trigger("BEFORE UPDATE ON t FOR EACH ROW", body), "UPDATE t SET a = 5 WHERE id = 1");
    }

    @ParameterizedTest
    @MethodSource("roundabout")
    void a_column_changed_without_being_named_is_held(
            String table, String rows, String setup, String policy, List<String> texts) throws Exception {
        define(table, table.equals(PARTITIONED) ? PARTITIONS : "", rows, setup);
        List<String> before = database.rows("SELECT prot FROM public.t ORDER BY id");
        assertThatThrownBy(() -> guarded(policy, texts))
                .isInstanceOfAny(ImpactLimitException.class, ApprovalRequiredException.class);
        assertThat(database.rows("SELECT prot FROM public.t ORDER BY id")).isEqualTo(before);
    }

    /** Under READ COMMITTED the statement runs what is there when it has its locks. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void code_that_is_replaced_while_the_statement_waits_is_seen(boolean back) throws Exception {
        String harmless = "BEGIN NEW.a := NEW.a + 0; RETURN NEW; END";
        define(TABLE, ROWS, trigger("BEFORE UPDATE ON t FOR EACH ROW", harmless));
        String replacing = "CREATE OR REPLACE FUNCTION code() RETURNS trigger LANGUAGE plpgsql AS $code$%s$code$";
        List<String> texts = new ArrayList<>(List.of(replacing.formatted("BEGIN NEW.prot := 0; RETURN NEW; END")));
        if (back) {
            texts.add(replacing.formatted(harmless));
        }
        assertHeldWhere("UPDATE t SET a = 5 WHERE id = 1", texts);
    }

    /** Whatever it is that changes rows besides, they are more than the statement reports. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "CREATE INDEX late ON t (fixed(a))",
                "CREATE INDEX late ON t (a) WHERE fixed(a) = 1",
                "ALTER TABLE t ADD CHECK (fixed(a) = 1) NOT VALID",
                "ALTER TABLE t ENABLE ROW LEVEL SECURITY; ALTER TABLE t FORCE ROW LEVEL SECURITY;"
                        + " CREATE POLICY late ON t USING (true) WITH CHECK (fixed(a) = 1)",
                "CREATE OR REPLACE VIEW seen AS SELECT fixed(77) AS id"
            })
    void code_that_is_made_while_the_statement_waits_is_seen(String made) throws Exception {
        define(
                TABLE,
                ROWS,
                CODE + "CREATE FUNCTION fixed(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$BEGIN IF $1 = 77 THEN"
                        + " PERFORM public.more(); END IF; RETURN 1; END$$; CREATE VIEW seen AS SELECT 1 AS id");
        assertHeldWhere("UPDATE t SET a = 77 WHERE id IN (SELECT id FROM seen)", List.of(made));
        assertThat(database.value("SELECT prot FROM t WHERE id = 10")).isEqualTo("10");
    }

    private void assertHeldWhere(String sql, List<String> meanwhile) throws Exception {
        ExecutorService thread = Executors.newSingleThreadExecutor();
        try (Connection other = database.connect();
                Statement statement = other.createStatement()) {
            other.setAutoCommit(false);
            statement.execute("LOCK TABLE t IN SHARE ROW EXCLUSIVE MODE");
            Future<?> update = thread.submit(() -> {
                guarded(POLICY, List.of(sql));
                return null;
            });
            while (database.value("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 't'::regclass")
                    .equals("0")) {
                Thread.onSpinWait();
            }
            for (String text : meanwhile) {
                statement.execute(text);
            }
            other.commit();
            assertThatThrownBy(update::get).hasCauseInstanceOf(ImpactLimitException.class);
        } finally {
            thread.shutdownNow();
        }
        assertThat(database.value("SELECT prot FROM t WHERE id = 1")).isEqualTo("1");
    }

    @ParameterizedTest
    @MethodSource("expressions")
    void another_expression_of_a_generated_column_is_held(String kind, String sql) throws Exception {
        assumeTrue(Integer.parseInt(database.value("SHOW server_version_num"))
                >= (kind.equals("STORED") ? 170_000 : 180_000));
        define(
                "CREATE TABLE t (id int PRIMARY KEY, a int, prot int GENERATED ALWAYS AS (a * 10) " + kind + ")",
                "INSERT INTO t SELECT n, n FROM generate_series(1, 20) AS n");
        assertThatThrownBy(() -> guarded(POLICY, List.of(sql))).isInstanceOf(BackstopException.class);
        assertThat(database.value("SELECT sum(prot) FROM t")).isEqualTo("2100");
    }

    static Stream<Arguments> expressions() {
        String sql = "ALTER TABLE t ALTER COLUMN prot SET EXPRESSION AS (a * 0)";
        return Stream.of("STORED", "VIRTUAL")
                .flatMap(kind -> Stream.of(arguments(kind, sql), arguments(kind, "DO 'BEGIN " + sql + "; END'")));
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void prepared_updates_and_batches_of_other_columns_run(boolean keys) throws Exception {
        define(TABLE, ROWS, "CREATE TYPE kind AS ENUM ('open')", "ALTER TABLE t ADD sort kind");
        try (Backstop backstop = backstop("{\"t\": [\"prot\", \"sort\"]}");
                Connection connection = backstop.guard(
                        DriverManager.getConnection(database.url().replace("user=postgres", "user=ordinary")));
                PreparedStatement update = connection.prepareStatement(
                        "UPDATE t SET a = ? WHERE id = ?",
                        keys ? Statement.RETURN_GENERATED_KEYS : Statement.NO_GENERATED_KEYS)) {
            for (int id = 1; id < 4; id++) {
                update.setInt(1, 500);
                update.setInt(2, id);
                assertThat(update.executeUpdate()).isEqualTo(1);
                update.addBatch();
                update.setInt(2, id + 10);
                update.addBatch();
            }
            assertThat(update.executeBatch()).containsOnly(1).hasSize(6);
            update.setFetchSize(1);
            update.execute();
            connection.createStatement().execute("ALTER TYPE kind ADD VALUE 'shut'");
        }
        assertThat(database.value("SELECT count(*) FROM t WHERE a = 500")).isEqualTo("6");
    }

    static Stream<Arguments> harmless() {
        return Stream.of(
                plain("", "UPDATE t SET a = 5 WHERE id < 5"),
                plain("", "INSERT INTO t (id, a) VALUES (20, 1) ON CONFLICT (id) DO UPDATE SET a = 5"),
                plain("", "INSERT INTO t VALUES (30, 1, 1)"),
                plain("", "UPDATE t SET a = 5 WHERE id < 5 RETURNING id, a"),
                plain("", "UPDATE t SET a = 5 WHERE id > 100 RETURNING id"),
                plain("", "WITH w AS (SELECT 3 AS id) UPDATE t SET a = 5 FROM w WHERE t.id = w.id RETURNING t.id"),
                plain(
                        "",
                        "INSERT INTO t (id, a) VALUES (20, 1), (40, 1) ON CONFLICT (id) DO UPDATE SET a = 5 RETURNING *"),
                plain(
                        "",
                        "BEGIN",
                        "UPDATE t SET a = 5 WHERE id < 5",
                        "UPDATE t SET a = 6 WHERE id < 5 RETURNING *",
                        "COMMIT"),
                plain(
                        "CREATE TABLE grown (id int, prot int) PARTITION BY RANGE (id); CREATE INDEX lower ON t ((a + 0));"
                                + " CREATE TABLE ref (k int PRIMARY KEY) PARTITION BY RANGE (k); CREATE TABLE ref1 PARTITION OF ref"
                                + " FOR VALUES FROM (0) TO (100); INSERT INTO ref SELECT generate_series(1, 20);"
                                + " ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES ref",
                        "UPDATE t SET a = 5 WHERE id < 5"),
                partitioned("", "UPDATE t SET a = 5, k = 2 WHERE id < 5 RETURNING id"),
                arguments(
                        TABLE,
                        ROWS,
                        "CREATE TABLE another (prot int); "
                                + trigger(
                                        "BEFORE UPDATE ON another FOR EACH ROW",
                                        "BEGIN NEW.prot := 0; RETURN NEW; END"),
                        "{\"t\": [\"prot\"], \"another\": [\"prot\"]}",
                        List.of("UPDATE t SET a = 5 WHERE id < 5")),
                plain(
                        trigger(
                                "BEFORE UPDATE ON t FOR EACH ROW",
                                "DECLARE at timestamp with time zone := now(); BEGIN -- set what is derived\n"
                                        + "IF TG_OP = 'UPDATE' AND NEW.a IS DISTINCT FROM OLD.a THEN NEW.a := NEW.a + 0;"
                                        + " ELSIF at > clock_timestamp() THEN RAISE EXCEPTION 'update %', current_user;"
                                        + " END IF; RETURN NEW; END"),
                        "UPDATE t SET a = 5 WHERE id < 5"),
                plain(
                        "CREATE FUNCTION new_id() RETURNS int LANGUAGE sql AS 'SELECT 1'; ALTER TABLE t ALTER id SET DEFAULT new_id()",
                        "UPDATE t SET a = 5 WHERE id < 5"),
                plain(
                        "CREATE SEQUENCE ids; ALTER TABLE t ALTER a SET DEFAULT nextval('ids')",
                        "UPDATE t SET a = DEFAULT WHERE id < 5"),
                plain("", "DELETE FROM t WHERE id = 20"),
                plain("CREATE SCHEMA s", "SET search_path = s, public", "UPDATE t SET a = 5 WHERE id < 5"),
                plain(
                        trigger(
                                "BEFORE INSERT OR UPDATE ON t FOR EACH ROW",
                                "BEGIN NEW.a := coalesce(NEW.a, 0) + 1; RETURN NEW; END"),
                        "UPDATE t SET a = 5 WHERE id < 5"),
                plain(
                        "CREATE TABLE o (id int PRIMARY KEY, t int REFERENCES t ON DELETE CASCADE ON UPDATE CASCADE)",
                        "UPDATE t SET a = 5 WHERE id < 5"),
                partitioned("", "UPDATE t SET a = 5 WHERE id < 5"),
                partitioned("", "UPDATE t SET a = 5, k = 2 WHERE id < 5"),
                partitioned("", "UPDATE t1 SET a = 5 WHERE id < 5"));
    }

    @ParameterizedTest
    @MethodSource("harmless")
    void what_leaves_it_alone_runs(String table, String rows, String setup, String policy, List<String> texts)
            throws Exception {
        define(table, table.equals(PARTITIONED) ? PARTITIONS : "", rows, setup);
        guarded(policy, texts);
        assertThat(database.value("SELECT count(*) FROM t WHERE id <= 19 AND prot = id"))
                .isEqualTo("19");
    }
}
