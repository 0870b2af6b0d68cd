package io.backstop.jdbc;

import io.backstop.api.error.ApprovalRequiredException;
import io.backstop.api.error.BackstopException;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.Sampled;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Rows of the system catalog that a superuser's statement reaches by another name. */
@Sampled
@ExtendWith(PostgresExtension.class)
class SystemCatalogWritesTest {
    private TestDatabase database;
    private ApplicationGuard guard;

    @TempDir
    private Path folder;

    @BeforeEach
    void connect(TestDatabase testDatabase) throws SQLException {
        database = testDatabase;
        database.run(
                "DROP SCHEMA public CASCADE",
                "CREATE SCHEMA public",
                "CREATE TABLE users (id int)",
                "COMMENT ON TABLE users IS 'kept'",
                "CREATE TABLE notes (id int, note text)",
                "INSERT INTO notes VALUES (1, 'x')",
                "SELECT lo_unlink(oid) FROM pg_largeobject_metadata",
                "SELECT lo_from_bytea(7, 'content')");
        guard = new ApplicationGuard(database, folder);
    }

    @AfterEach
    void close() throws SQLException {
        guard.close();
        database.run("SELECT lo_unlink(oid) FROM pg_largeobject_metadata");
    }

    private String state() throws SQLException {
        return database.value("SELECT concat((SELECT relname FROM pg_class WHERE oid = 'users'::regclass), ' ',"
                + " obj_description('users'::regclass), ' ', (SELECT rolcanlogin FROM pg_roles WHERE rolname = current_user),"
                + " ' ', (SELECT count(*) FROM pg_largeobject_metadata), ' ', (SELECT count(*) FROM pg_largeobject))");
    }

    private void assertRefused(String sql) throws SQLException {
        String before = state();
        assertThatThrownBy(() -> guard.execute(sql))
                .as(sql)
                .isInstanceOf(BackstopException.class)
                .hasMessageContaining("system catalog");
        assertThat(state()).as(sql).isEqualTo(before);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "CREATE VIEW v AS SELECT * FROM pg_class | UPDATE v SET relpages = relpages WHERE relname = 'users'",
                "CREATE VIEW w AS SELECT * FROM pg_class; CREATE VIEW v WITH (security_barrier) AS SELECT * FROM w"
                        + " | UPDATE v SET reltuples = 1 WHERE relname = 'users'",
                "CREATE VIEW v AS SELECT * FROM pg_description | DELETE FROM v WHERE description = 'kept'",
                "CREATE VIEW v AS SELECT * FROM pg_description"
                        + " | WITH d AS (DELETE FROM v WHERE description = 'kept' RETURNING objoid) SELECT * FROM d",
                "CREATE VIEW v AS SELECT * FROM pg_description"
                        + " | WITH d AS (UPDATE v SET description = 'x' WHERE description = 'kept' RETURNING 1) INSERT INTO notes SELECT 1 FROM d",
                "CREATE VIEW v AS SELECT * FROM pg_authid"
                        + " | UPDATE v SET rolcanlogin = false WHERE rolname = current_user AND rolcanlogin",
                "CREATE VIEW v AS SELECT * FROM pg_largeobject | DELETE FROM v WHERE loid = 7",
                "CREATE VIEW v AS SELECT * FROM pg_largeobject_metadata | DELETE FROM v WHERE oid = 7",
                "CREATE VIEW v AS SELECT objoid, classoid, objsubid, description FROM pg_description"
                        + " | INSERT INTO v VALUES (1, 1, 1, 'new')",
                "CREATE RULE r AS ON UPDATE TO notes DO ALSO DELETE FROM pg_description WHERE description = 'kept'"
                        + " | UPDATE notes SET note = 'y' WHERE id = 1",
                "CREATE RULE r AS ON INSERT TO notes DO ALSO DELETE FROM pg_description WHERE description = 'kept'"
                        + " | INSERT INTO notes VALUES (2)",
                "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS"
                        + " 'UPDATE pg_class SET relnatts = relnatts WHERE relname = ''users''' | SELECT f()",
                "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS"
                        + " 'BEGIN UPDATE pg_class SET relnatts = relnatts WHERE relname = ''users''; RETURN NULL; END';"
                        + " CREATE TRIGGER t AFTER UPDATE ON notes FOR EACH ROW EXECUTE FUNCTION f()"
                        + " | UPDATE notes SET note = 'y' WHERE id = 1",
                "SELECT 1 | DO 'BEGIN DELETE FROM pg_description WHERE description = ''kept''; END'",
                "SELECT 1 | DO 'BEGIN UPDATE pg_authid SET rolcanlogin = false WHERE rolname = current_user; END'",
                "SELECT 1 | DO 'BEGIN EXECUTE concat(''DELETE FROM pg_des'', ''cription''); END'",
                "CREATE VIEW v AS SELECT * FROM pg_description"
                        + " | DO 'BEGIN DELETE FROM v WHERE description = ''kept''; END'"
            })
    void what_a_statement_reaches_by_another_name_is_the_system_catalog_too(String definitions, String sql)
            throws SQLException {
        for (String definition : definitions.split("; (?=CREATE)", -1)) {
            database.run(definition);
        }
        if (sql.contains("concat")) {
            assertThatThrownBy(() -> guard.execute(sql)).isInstanceOf(BackstopException.class);
            return;
        }
        assertRefused(sql);
        guard.connection().setAutoCommit(false);
        guard.execute("UPDATE notes SET note = 'z' WHERE id = 99");
        assertRefused(sql);
        guard.connection().commit();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "UPDATE v SET setting = 'replica' WHERE name = 'session_replication_role'",
                "UPDATE w SET setting = 'replica' WHERE name = 'session_replication_role'",
                "WITH u AS (UPDATE v SET setting = 'replica' WHERE name = 'session_replication_role' RETURNING 1)"
                        + " DELETE FROM notes WHERE id = 7",
                "UPDATE notes SET note = 'x' WHERE id = 1"
            })
    void settings_are_not_changed_through_a_view_unseen(String sql) throws SQLException {
        database.run(
                "CREATE VIEW v AS SELECT * FROM pg_settings",
                "CREATE VIEW w AS SELECT * FROM v",
                "CREATE VIEW looks AS SELECT name FROM v",
                "CREATE RULE r AS ON UPDATE TO notes DO ALSO UPDATE pg_settings SET setting = 'replica'"
                        + " WHERE name = 'session_replication_role'");
        try (Backstop strict = Backstop.builder()
                        .policy("strict")
                        .control(folder.resolve("strict.db"))
                        .build();
                Connection guarded = strict.guard(database.connect());
                Statement statement = guarded.createStatement()) {
            assertThatThrownBy(() -> statement.execute(sql)).isInstanceOf(ApprovalRequiredException.class);
            assertThatCode(() -> statement.execute("SELECT * FROM v, w, looks LIMIT 1"))
                    .doesNotThrowAnyException();
            assertThatCode(() -> statement.execute("INSERT INTO users SELECT 7 FROM v LIMIT 1"))
                    .doesNotThrowAnyException();
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "DO 'BEGIN CREATE TABLE made (id int); ALTER TABLE made ADD more int; COMMENT ON TABLE made IS ''x'';"
                        + " CREATE INDEX ON made (id); DROP INDEX made_id_idx; END'",
                "DO 'BEGIN CREATE ROLE made_here; ALTER ROLE made_here SET work_mem = ''8MB''; ALTER ROLE made_here LOGIN;"
                        + " GRANT pg_monitor TO made_here; REVOKE pg_monitor FROM made_here; DROP ROLE made_here; END'",
                "DO 'BEGIN CREATE FUNCTION made() RETURNS int RETURN 1; DROP FUNCTION made(); END'",
                "DO 'BEGIN CREATE TYPE made AS ENUM (''a''); ALTER TYPE made RENAME VALUE ''a'' TO ''b''; END'",
                "DO 'BEGIN GRANT SELECT ON users TO PUBLIC; CREATE SCHEMA made; DROP SCHEMA made; END'",
                "DO 'BEGIN PERFORM lo_put(7, 0, ''x''); PERFORM lo_create(8); END'",
                "DO 'BEGIN ANALYZE users; END'",
                "DO 'BEGIN CREATE SCHEMA a; ALTER SCHEMA a RENAME TO b; COMMENT ON SCHEMA b IS ''x''; DROP SCHEMA b; END'",
                "DO 'BEGIN CREATE FUNCTION f() RETURNS int RETURN 1; ALTER FUNCTION f() COST 5;"
                        + " ALTER FUNCTION f() RENAME TO g; DROP FUNCTION g(); END'",
                "DO 'BEGIN CREATE TABLE a (id serial PRIMARY KEY, t text UNIQUE, n int REFERENCES a, CHECK (n > 0));"
                        + " ALTER TABLE a RENAME t TO u; ALTER TABLE a ALTER n SET NOT NULL; ALTER TABLE a ALTER n SET"
                        + " DEFAULT 4; ALTER TABLE a ALTER n SET STATISTICS 5; ALTER TABLE a RENAME TO b; ALTER TABLE b DROP"
                        + " CONSTRAINT a_n_fkey; ALTER TABLE b SET (fillfactor = 50); ALTER TABLE b ENABLE ROW LEVEL SECURITY;"
                        + " CREATE POLICY p ON b; ALTER POLICY p ON b RENAME TO q; DROP POLICY q ON b; CREATE STATISTICS s ON"
                        + " id, n FROM b; ALTER STATISTICS s SET STATISTICS 7; CREATE RULE r AS ON INSERT TO b DO ALSO NOTIFY b;"
                        + " ALTER RULE r ON b RENAME TO s; DROP RULE s ON b; CLUSTER b USING a_pkey; END'",
                "DO 'BEGIN CREATE VIEW a AS SELECT 1 AS x; CREATE OR REPLACE VIEW a AS SELECT 2 AS x; ALTER VIEW a ALTER x SET"
                        + " DEFAULT 3; CREATE MATERIALIZED VIEW m AS SELECT 1 AS x; REFRESH MATERIALIZED VIEW m; DROP VIEW a; END'",
                "DO 'BEGIN CREATE DOMAIN d AS int; ALTER DOMAIN d ADD CONSTRAINT c CHECK (VALUE > 0); ALTER DOMAIN d DROP"
                        + " CONSTRAINT c; CREATE TYPE t AS (a int); ALTER TYPE t ADD ATTRIBUTE b int; ALTER TYPE t RENAME TO u;"
                        + " CREATE SEQUENCE s; ALTER SEQUENCE s INCREMENT 5; PERFORM nextval(''s''); END'",
                "DO 'BEGIN CREATE PUBLICATION p FOR TABLE users; ALTER PUBLICATION p SET (publish = ''insert''); DROP PUBLICATION"
                        + " p; CREATE EXTENSION lo; ALTER EXTENSION lo SET SCHEMA public; DROP EXTENSION lo; END'",
                "DO 'BEGIN CREATE TABLE a (id int) PARTITION BY LIST (id); CREATE TABLE b PARTITION OF a FOR VALUES IN (1);"
                        + " ALTER TABLE a DETACH PARTITION b; ALTER TABLE a ATTACH PARTITION b DEFAULT; GRANT SELECT (id) ON a TO"
                        + " PUBLIC; ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC; ALTER DEFAULT PRIVILEGES REVOKE"
                        + " SELECT ON TABLES FROM PUBLIC; END'",
                "DO 'BEGIN CREATE OPERATOR === (FUNCTION = int4eq, LEFTARG = int, RIGHTARG = int); ALTER OPERATOR === (int, int)"
                        + " SET (RESTRICT = eqsel); CREATE CAST (int AS point) WITH INOUT; DROP CAST (int AS point); CREATE"
                        + " AGGREGATE g(int) (SFUNC = int4pl, STYPE = int); CREATE COLLATION c FROM \"C\"; ALTER COLLATION c RENAME"
                        + " TO e; CREATE TEXT SEARCH CONFIGURATION x (COPY = simple); DROP TEXT SEARCH CONFIGURATION x; END'",
                "SELECT lo_put(7, 0, 'other')",
                "SELECT lo_create(9)",
                "UPDATE notes SET note = 'y' WHERE id = 1",
                "INSERT INTO notes SELECT oid::int8 % 1000, relname FROM pg_class",
                "UPDATE notes SET note = relname FROM pg_class WHERE relname = 'users'"
            })
    void definitions_that_code_changes_are_not_taken_for_rows(String sql) throws SQLException {
        assertThatCode(() -> guard.execute(sql)).doesNotThrowAnyException();
        guard.connection().setAutoCommit(false);
        guard.execute("DO 'BEGIN NULL; END'");
        guard.connection().rollback();
    }
}
