package io.backstop.jdbc;

import io.backstop.api.analysis.Destruction;
import io.backstop.api.snapshot.SnapshotRequest;
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
import java.sql.SQLException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Under the profile application, tools that clear a schema drop with CASCADE, and only what has rows is held up. */
@ExtendWith(PostgresExtension.class)
class DropAllTest {
    private TestDatabase database;
    private ApplicationGuard guard;

    @BeforeEach
    void create(TestDatabase testDatabase, @TempDir Path folder) throws SQLException {
        database = testDatabase;
        database.run(
                "DROP SCHEMA public CASCADE",
                "CREATE SCHEMA public",
                "CREATE SEQUENCE users_seq",
                "CREATE TABLE users (id int PRIMARY KEY, name text)",
                "INSERT INTO users VALUES (1, 'one')",
                "CREATE TABLE orders (id serial, user_id int CONSTRAINT of_user REFERENCES users)",
                "CREATE VIEW names AS SELECT name FROM users",
                "CREATE TYPE mood AS ENUM ('sad')",
                "CREATE TYPE used AS ENUM ('a')",
                "CREATE TABLE users_of_used (u used)",
                "CREATE FUNCTION twice(int) RETURNS int LANGUAGE sql AS 'SELECT 2 * $1'");
        guard = new ApplicationGuard(database, folder);
    }

    @AfterEach
    void close() throws SQLException {
        guard.close();
    }

    /** What Liquibase sends for PostgreSQL, in its order: foreign keys, views, tables, sequences. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void liquibase_drops_all(boolean autoCommit) throws SQLException {
        guard.connection().setAutoCommit(autoCommit);
        for (String sql : new String[] {
            "ALTER TABLE public.orders DROP CONSTRAINT of_user",
            "DROP VIEW public.names",
            "DROP TABLE public.orders CASCADE",
            "DROP TABLE public.users CASCADE",
            "DROP TABLE public.users_of_used CASCADE",
            "DROP SEQUENCE public.users_seq CASCADE"
        }) {
            guard.execute(sql);
        }
        if (!autoCommit) {
            guard.connection().commit();
        }
        assertThat(database.value("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"))
                .isEqualTo("0");
    }

    /** As with {@code ddl-auto=create-drop}, with enumerations of the database. */
    @Test
    void hibernate_drops_what_it_has_made() throws SQLException {
        for (String sql : new String[] {
            "alter table if exists orders drop constraint if exists of_user",
            "drop table if exists orders cascade",
            "drop table if exists users_of_used cascade",
            "drop type if exists mood cascade",
            "drop type if exists used cascade",
            "drop sequence if exists users_seq"
        }) {
            guard.execute(sql);
        }
        assertThat(database.value("SELECT to_regtype('mood') IS NULL AND to_regtype('used') IS NULL"))
                .isEqualTo("t");
    }

    @ParameterizedTest
    @ValueSource(strings = {"DROP OWNED BY CURRENT_USER CASCADE", "DROP SCHEMA public CASCADE"})
    void what_would_take_everything_is_blocked(String sql) {
        assertThatThrownBy(() -> guard.execute(sql))
                .extracting(e -> ((SQLException) e).getSQLState())
                .isEqualTo("ZB001");
    }

    /** The storage of these tests takes everything; what it is asked to store is seen elsewhere. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "DROP SEQUENCE orders_id_seq CASCADE",
                "DROP TYPE used CASCADE",
                "DROP TYPE IF EXISTS mood, used CASCADE"
            })
    void what_takes_a_column_or_a_default_along_runs_behind_a_snapshot(String sql) throws SQLException {
        guard.execute(sql);
        assertThat(guard.snapshots.requests)
                .flatExtracting(SnapshotRequest::destructions)
                .extracting(Destruction::kind)
                .containsOnly(Destruction.Kind.DROP_OBJECT);
    }

    @Test
    void a_function_goes_with_what_depends_on_it() throws SQLException {
        guard.execute("DROP FUNCTION twice(int) CASCADE");
        assertThat(database.value("SELECT to_regproc('twice') IS NULL")).isEqualTo("t");
    }
}
