package io.backstop.story;

import io.backstop.api.snapshot.Progress.Step;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.cli.CommandRun;
import io.backstop.jdbc.Backstop;
import io.backstop.testing.Sampled;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;

import static org.assertj.core.api.Assertions.assertThat;

/** DROP … CASCADE of what has no rows: all that goes with it is stored before, and comes back with its schema. */
@Sampled
class ObjectCascadeTest extends GuardedStory {
    private static final String ROWS = "SELECT 'u' || u::text FROM app.users u UNION ALL SELECT 'o' || o::text FROM"
            + " app.orders o UNION ALL SELECT 'p' || p::text FROM app.people p UNION ALL SELECT 'k' || k::text FROM"
            + " app.keyed k ORDER BY 1";

    @BeforeEach
    void createTables() throws SQLException {
        database.run(
                "CREATE SCHEMA app",
                "CREATE TYPE app.mood AS ENUM ('sad', 'ok')",
                "CREATE TYPE app.lonely AS ENUM ('a')",
                "CREATE TYPE app.unused AS ENUM ('a', 'b')",
                "CREATE DOMAIN app.short AS text CHECK (length(VALUE) < 60)",
                "CREATE TYPE app.inner_pair AS (a int, b text)",
                "CREATE TYPE app.outer_pair AS (c int, i app.inner_pair)",
                "CREATE TYPE app.person AS (name text, age int)",
                "CREATE TYPE app.span AS RANGE (subtype = float8)",
                "CREATE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END'",
                "CREATE FUNCTION app.is_fine(text) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT $1 <> '''''",
                "CREATE FUNCTION app.twice(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 * 2'",
                "CREATE FUNCTION app.lone(int) RETURNS int LANGUAGE sql AS 'SELECT $1'",
                "CREATE FUNCTION app.of_mood(app.mood) RETURNS text LANGUAGE sql AS 'SELECT $1::text'",
                "CREATE DOMAIN app.fine AS text CHECK (app.is_fine(VALUE))",
                "CREATE AGGREGATE app.total(int) (SFUNC = int4pl, STYPE = int)",
                "CREATE SEQUENCE app.numbers START 100",
                "CREATE TABLE app.users (id serial PRIMARY KEY, number int DEFAULT nextval('app.numbers') NOT NULL,"
                        + " email text CONSTRAINT mail CHECK (app.is_fine(email)), mood app.mood DEFAULT 'ok' NOT NULL,"
                        + " short app.short, born date, twice int GENERATED ALWAYS AS (app.twice(id)) STORED,"
                        + " moods app.mood[], during app.span)",
                "CREATE UNIQUE INDEX users_number ON app.users (number)",
                "CREATE INDEX users_fine ON app.users (id) WHERE app.is_fine(email)",
                "CREATE INDEX users_mood ON app.users (mood, born)",
                "CREATE STATISTICS app.users_stats ON email, born FROM app.users",
                "CREATE TABLE app.orders (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
                        + " number int CONSTRAINT orders_number REFERENCES app.users (number) ON DELETE CASCADE, total int)",
                "CREATE TABLE app.people OF app.person",
                "CREATE TABLE app.keyed (id int, v text) PARTITION BY RANGE (app.twice(id))",
                "CREATE TABLE app.keyed_1 PARTITION OF app.keyed FOR VALUES FROM (0) TO (100)",
                "CREATE TRIGGER touched BEFORE UPDATE ON app.users FOR EACH ROW EXECUTE FUNCTION app.touch()",
                "CREATE TRIGGER touched BEFORE UPDATE ON app.orders FOR EACH ROW EXECUTE FUNCTION app.touch()",
                "CREATE POLICY fine ON app.users USING (app.is_fine(email))",
                "CREATE RULE quiet AS ON DELETE TO app.orders WHERE old.total = 5 DO INSTEAD NOTHING",
                "CREATE VIEW app.fine_users AS SELECT id, email FROM app.users WHERE app.is_fine(email)",
                "CREATE CAST (app.unused AS text) WITH INOUT AS ASSIGNMENT",
                "CREATE CAST (varchar AS app.mood) WITH INOUT AS IMPLICIT",
                "CREATE AGGREGATE app.sums(int) (SFUNC = int4pl, STYPE = int)",
                "CREATE VIEW app.summed AS SELECT app.sums(total) FROM app.orders",
                "CREATE TYPE app.seen AS ENUM ('a', 'b')",
                "CREATE VIEW app.of_seen AS SELECT id, 'a'::app.seen AS a FROM app.orders",
                "CREATE VIEW app.above AS SELECT a FROM app.of_seen",
                "CREATE FUNCTION app.inner_of(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 + 1'",
                "CREATE FUNCTION app.outer_of(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT app.inner_of($1)'",
                "CREATE VIEW app.of_inner AS SELECT app.inner_of(total) AS n FROM app.orders",
                "CREATE INDEX orders_outer ON app.orders (app.outer_of(total))",
                "CREATE TABLE app.split (id int, v int DEFAULT app.inner_of(1)) PARTITION BY RANGE (id)",
                "CREATE TABLE app.split_1 PARTITION OF app.split (v DEFAULT app.inner_of(7)) FOR VALUES FROM (0) TO (9)",
                "CREATE TABLE app.split_2 PARTITION OF app.split FOR VALUES FROM (9) TO (19)",
                "ALTER TABLE ONLY app.split_2 ALTER v DROP DEFAULT",
                "CREATE TRIGGER split AFTER INSERT ON app.split FOR EACH ROW EXECUTE FUNCTION app.touch()",
                "ALTER TABLE app.split_1 DISABLE TRIGGER split",
                "CREATE VIEW app.moods AS SELECT mood, count(*) FROM app.users GROUP BY 1",
                "CREATE MATERIALIZED VIEW app.doubled AS SELECT app.twice(total) AS t FROM app.orders",
                "CREATE TABLE app.paged (id int PRIMARY KEY, v int, CONSTRAINT positive CHECK (v > 0)) PARTITION BY RANGE (id)",
                "CREATE TABLE app.paged_1 PARTITION OF app.paged FOR VALUES FROM (0) TO (9)",
                "CREATE TABLE app.of_paged (id int CONSTRAINT paged REFERENCES app.paged)",
                "CREATE VIEW app.pages AS SELECT id, v, count(*) FROM app.paged GROUP BY id",
                "CREATE VIEW app.orders_of AS SELECT u.id, u.email, count(*) FROM app.users u JOIN app.orders o ON"
                        + " u.number = o.number GROUP BY u.id",
                "INSERT INTO app.users (email, mood, short, born, moods, during) SELECT 'm' || i,"
                        + " (ARRAY['sad', 'ok'])[i % 2 + 1]::app.mood, 's', '2000-01-01'::date + i, '{ok}', '[1,2]'"
                        + " FROM generate_series(1, 20) i",
                "INSERT INTO app.orders (number, total) SELECT 100 + i, i FROM generate_series(1, 9) i",
                "INSERT INTO app.people VALUES ('ann', 9)",
                "INSERT INTO app.keyed VALUES (1, 'x'), (40, 'y')");
    }

    private List<String> definitions() throws SQLException {
        List<String> definitions = database.rows(SchemaDefinitions.OF_TABLES);
        definitions.addAll(database.rows(SchemaDefinitions.OF_OBJECTS));
        definitions.addAll(
                database.rows("SELECT contypid::regtype || ' ' || pg_get_constraintdef(c.oid) FROM pg_constraint c"
                        + " WHERE contypid <> 0 AND connamespace = 'app'::regnamespace ORDER BY 1"));
        definitions.addAll(
                database.rows(
                        "SELECT attrelid::regclass || '.' || attname FROM pg_attribute a JOIN pg_class c"
                                + " ON c.oid = attrelid WHERE relkind = 'c' AND relnamespace = 'app'::regnamespace ORDER BY 1"));
        definitions.addAll(database.rows("SELECT format('cast %s to %s %s', castsource::regtype, casttarget::regtype,"
                + " castcontext) FROM pg_cast WHERE oid >= 16384 ORDER BY 1"));
        return definitions;
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "DROP TYPE app.mood CASCADE",
                "DROP TYPE IF EXISTS app.mood, app.unused CASCADE",
                "DROP TYPE IF EXISTS app.unused CASCADE",
                "DROP TYPE IF EXISTS app.lonely",
                "DROP DOMAIN app.short CASCADE",
                "DROP DOMAIN app.fine CASCADE",
                "DROP TYPE app.person CASCADE",
                "DROP TYPE app.span CASCADE",
                "DROP TYPE app.seen CASCADE",
                "DROP FUNCTION app.inner_of(int) CASCADE",
                "DROP FUNCTION app.inner_of(int), app.outer_of(int) CASCADE",
                "DROP FUNCTION app.touch() CASCADE",
                "DROP FUNCTION app.twice(int) CASCADE",
                "DROP ROUTINE app.lone CASCADE",
                "DROP FUNCTION app.lone, app.of_mood CASCADE",
                "DROP AGGREGATE app.total(int) CASCADE",
                "DROP AGGREGATE app.sums(int) CASCADE",
                "DROP SEQUENCE app.numbers CASCADE",
                "DROP SEQUENCE app.users_id_seq CASCADE",
                "DROP INDEX app.users_number CASCADE",
                "DROP INDEX app.users_fine CASCADE",
                "DROP STATISTICS app.users_stats CASCADE",
                "DROP TRIGGER touched ON app.users CASCADE",
                "DROP POLICY fine ON app.users CASCADE",
                "DROP RULE quiet ON app.orders CASCADE",
                "ALTER TABLE app.users DROP CONSTRAINT mail CASCADE",
                "ALTER TABLE app.users DROP CONSTRAINT users_pkey CASCADE",
                "ALTER TABLE app.users DROP CONSTRAINT mail, DROP CONSTRAINT IF EXISTS users_pkey CASCADE",
                "ALTER TABLE IF EXISTS app.paged DROP CONSTRAINT paged_pkey CASCADE",
                "ALTER TABLE app.paged DROP CONSTRAINT positive CASCADE, DROP CONSTRAINT IF EXISTS nosuch CASCADE"
            })
    void what_goes_with_it_comes_back(String sql) throws Exception {
        List<String> before = definitions();
        List<String> rows = database.rows(ROWS);
        Instant moment = Instant.now();
        try (Backstop backstop = backstop("")) {
            execute(backstop, sql);
        }
        assertThat(definitions()).isNotEqualTo(before);
        assertThat(archive.contents().undecided()).isEmpty();
        CommandRun run = command("recover", "--schema", "app", "--before", moment.toString());
        assertThat(run.exitCode()).as(run.errors() + run.output()).isZero();
        database.run(run.output());
        for (String line : run.output().lines().toList()) {
            if (line.startsWith("-- DROP TABLE ")) {
                database.run(line.substring(3));
            }
        }
        assertThat(definitions()).as(run.output()).containsExactlyElementsOf(before);
        assertThat(database.rows(ROWS)).containsExactlyElementsOf(rows);
    }

    /** What is there, and is another by now, stays. */
    @Test
    void a_domain_that_has_lost_its_constraint_is_named() throws Exception {
        Set<String> before = new HashSet<>(definitions());
        Instant moment = Instant.now();
        try (Backstop backstop = backstop("")) {
            execute(backstop, "DROP FUNCTION app.is_fine CASCADE");
        }
        CommandRun run = command("recover", "--schema", "app", "--before", moment.toString());
        assertThat(run.exitCode()).as(run.errors() + run.output()).isZero();
        database.run(run.output());
        database.run("DROP TABLE app.users_recovered");
        before.removeAll(definitions());
        assertThat(before).containsExactly("app.fine CHECK (app.is_fine(VALUE))");
        assertThat(run.output()).contains("domain app.fine is another by now, and stays as it is", "is_fine(VALUE)");
    }

    /** The statement is held as it stands; by the catalog it takes no rows, and runs. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "DROP FUNCTION app.touch() CASCADE",
                "DROP INDEX app.users_number CASCADE",
                "DROP TYPE app.unused CASCADE",
                "DROP TRIGGER touched ON app.users CASCADE"
            })
    void definitions_are_stored_where_only_rows_are_held(String sql) throws Exception {
        Path policy = folder.resolve("held.json");
        Files.writeString(policy, "{\"require_approval_for_risks\": [\"CRITICAL\"]}");
        try (Backstop backstop = under(policy.toString())) {
            execute(backstop, sql);
        }
        assertThat(archive.list())
                .isNotEmpty()
                .extracting(SnapshotManifest::coverage)
                .isSubsetOf(SnapshotManifest.Coverage.DEFINITIONS, SnapshotManifest.Coverage.OBJECT);
    }

    @Test
    void a_column_that_goes_beside_a_constraint_with_cascade_is_refused() throws Exception {
        try (Backstop backstop = backstop("")) {
            assertThat(outcome(backstop, "ALTER TABLE app.users DROP born, DROP CONSTRAINT users_pkey CASCADE"))
                    .startsWith("ZB001");
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "DROP TYPE app.inner_pair CASCADE|CREATE TABLE app.holding (o app.outer_pair)|attribute",
                "DROP FUNCTION app.twice(int) CASCADE|CREATE OPERATOR app.@@@ (RIGHTARG = int, FUNCTION = app.twice)"
                        + "|operator",
                "DROP FUNCTION app.lone(int) CASCADE|CREATE VIEW app.of_nothing AS SELECT app.lone(1) AS n|view app.of_nothing",
                "DROP SEQUENCE app.numbers CASCADE|CREATE VIEW app.last AS SELECT last_value FROM app.numbers|view app.last",
                "DROP FUNCTION app.cast_it(app.inner_pair) CASCADE|CREATE FUNCTION app.cast_it(app.inner_pair) RETURNS int"
                        + " IMMUTABLE LANGUAGE sql AS 'SELECT ($1).a'; CREATE CAST (app.inner_pair AS int) WITH FUNCTION"
                        + " app.cast_it(app.inner_pair)|cast"
            })
    void what_cannot_come_back_is_refused_by_name(String sql, String made, String named) throws Exception {
        database.run(made.split("; "));
        List<String> before = definitions();
        try (Backstop backstop = backstop("")) {
            assertThat(outcome(backstop, sql)).startsWith("ZB007").contains(named);
        }
        assertThat(definitions()).containsExactlyElementsOf(before);
        assertThat(archive.list()).isEmpty();
    }

    /** Nothing locks a function; what comes to depend on it before it goes has to be stored, or the statement fails. */
    @ParameterizedTest
    @EnumSource(
            value = Step.class,
            names = {"LOCKED", "DESCRIBED", "COPIED", "VERIFIED"})
    void what_is_made_meanwhile_does_not_go_unstored(Step when) throws Exception {
        database.run(
                "CREATE FUNCTION app.is_late(text) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1'",
                "CREATE TABLE app.of_other (a int DEFAULT app.is_late('a'), b int DEFAULT app.is_late('b'))");
        AtomicBoolean made = new AtomicBoolean();
        meanwhile = step -> {
            if (step == when && made.compareAndSet(false, true)) {
                database.run("CREATE TABLE app.made (id int DEFAULT app.is_late(1))");
            }
        };
        database.run(
                "CREATE FUNCTION app.is_late(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1'",
                "CREATE TABLE app.before (id int DEFAULT app.is_late(1))");
        try (Backstop backstop = backstop("")) {
            String outcome = outcome(backstop, "DROP FUNCTION app.is_late(int) CASCADE");
            assertThat(made).isTrue();
            boolean stored = archive.list().stream()
                    .anyMatch(manifest -> manifest.table().equals("made"));
            assertThat(stored ? "ok 0" : "ZB007").isEqualTo(outcome.substring(0, stored ? 4 : 5));
            assertThat(database.value("SELECT count(*) FROM pg_attrdef WHERE adrelid = 'app.made'::regclass"))
                    .isEqualTo(stored ? "0" : "1");
        }
    }

    /** A snapshot of the past does not show what depends on a type by now. */
    @Test
    void a_transaction_that_sees_the_past_drops_no_column_that_it_does_not_see() throws Exception {
        Path policy = folder.resolve("held.json");
        Files.writeString(policy, "{\"require_approval_for_risks\": [\"CRITICAL\"]}");
        try (Backstop backstop = under(policy.toString());
                Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            connection.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
            statement.execute("SELECT 1 FROM app.users");
            database.run("CREATE TABLE app.late (id int, m app.lonely)", "INSERT INTO app.late VALUES (1, 'a')");
            assertThat(outcome(statement, "DROP TYPE app.lonely CASCADE")).startsWith("ZB0");
            connection.rollback();
        }
        assertThat(database.value("SELECT m FROM app.late")).isEqualTo("a");
    }

    @ParameterizedTest
    @EnumSource(
            value = Step.class,
            names = {"LOCKED", "DESCRIBED", "VERIFIED"})
    void nor_one_that_came_while_it_began(Step when) throws Exception {
        AtomicBoolean made = new AtomicBoolean();
        meanwhile = step -> {
            if (step == when && made.compareAndSet(false, true)) {
                database.run("CREATE TABLE app.late (id int, m app.mood)", "INSERT INTO app.late VALUES (1, 'ok')");
            }
        };
        try (Backstop backstop = backstop("");
                Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            connection.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
            String outcome = outcome(statement, "DROP TYPE app.mood CASCADE");
            boolean stored = archive.list().stream()
                    .anyMatch(manifest -> manifest.table().equals("late"));
            assertThat(outcome).startsWith(stored ? "ok" : "ZB007");
            connection.commit();
            assertThat(database.value("SELECT count(*) FROM pg_attribute WHERE attrelid = 'app.late'::regclass"
                            + " AND attname = 'm'"))
                    .isEqualTo(stored ? "0" : "1");
        }
    }

    @Test
    void what_goes_of_a_table_that_may_not_be_read_is_refused_by_name() throws Exception {
        database.run(
                "CREATE ROLE cascading LOGIN",
                "GRANT USAGE, CREATE ON SCHEMA app TO cascading",
                "CREATE FUNCTION app.mine(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1'",
                "ALTER FUNCTION app.mine(int) OWNER TO cascading",
                "CREATE TABLE app.theirs (id int DEFAULT app.mine(1), CONSTRAINT fine CHECK (app.mine(id) > 0))");
        try (Backstop backstop = backstop("");
                Connection plain =
                        DriverManager.getConnection(database.url().replaceFirst("user=[^&]*", "user=cascading"));
                Connection connection = backstop.guard(plain);
                Statement statement = connection.createStatement()) {
            assertThat(outcome(statement, "DROP FUNCTION app.mine(int) CASCADE"))
                    .startsWith("ZB007")
                    .contains("constraint fine on table app.theirs");
        } finally {
            database.run("DROP OWNED BY cascading CASCADE", "DROP ROLE cascading");
        }
        assertThat(archive.list()).isEmpty();
    }

    @Test
    void a_name_of_nothing_is_the_servers_to_refuse() throws Exception {
        try (Backstop backstop = backstop("")) {
            assertThat(outcome(backstop, "DROP TYPE app.nosuch CASCADE")).startsWith("42704");
            assertThat(outcome(backstop, "DROP SEQUENCE app.nosuch CASCADE")).startsWith("42P01");
            assertThat(outcome(backstop, "DROP FUNCTION app.nosuch() CASCADE")).startsWith("42883");
        }
        assertThat(archive.list()).isEmpty();
    }
}
