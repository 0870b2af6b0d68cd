package io.backstop.snapshot.internal.reach;

import io.backstop.api.analysis.Destruction;
import io.backstop.api.analysis.Destruction.Kind;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.snapshot.Connections;
import io.backstop.api.snapshot.Progress;
import io.backstop.snapshot.capture.Securing;
import io.backstop.snapshot.store.MemoryObjectStore;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;

import static io.backstop.snapshot.capture.Securing.cascading;
import static io.backstop.snapshot.capture.Securing.plain;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Every table that a statement takes rows from is saved, by whatever way the statement reaches it. */
@ExtendWith(PostgresExtension.class)
class BlastRadiusTest {
    private final Securing securing = new Securing(new MemoryObjectStore());
    private TestDatabase database;

    @BeforeEach
    void begin(TestDatabase database) throws SQLException {
        this.database = database;
        database.run("DROP SCHEMA IF EXISTS app CASCADE", "DROP SCHEMA IF EXISTS other CASCADE", "CREATE SCHEMA app");
    }

    private List<String> saved(Destruction... destructions) throws Exception {
        try (Connection connection = Securing.begin(database)) {
            return Securing.tables(securing.secure(connection, destructions));
        }
    }

    private void refused(Destruction destruction, String message) throws Exception {
        try (Connection connection = Securing.begin(database)) {
            assertThatThrownBy(() -> securing.secure(connection, destruction))
                    .isInstanceOf(RecoveryNotReadyException.class)
                    .hasMessageContaining(message);
            assertThat(securing.archive.list()).isEmpty();
        }
    }

    @Test
    void partitions_of_all_levels_go_with_their_parent_and_hold_the_rows() throws Exception {
        database.run(
                "CREATE TABLE app.p (id integer, k text) PARTITION BY RANGE (id)",
                "CREATE TABLE app.p_1 PARTITION OF app.p FOR VALUES FROM (0) TO (10)",
                "CREATE TABLE app.p_2 PARTITION OF app.p FOR VALUES FROM (10) TO (20) PARTITION BY LIST (k)",
                "CREATE TABLE app.p_2_a PARTITION OF app.p_2 FOR VALUES IN ('a')",
                "INSERT INTO app.p VALUES (1, 'x'), (11, 'a'), (12, 'a')");
        List<String> all = List.of("app.p", "app.p_1", "app.p_2", "app.p_2_a");
        for (Kind kind : List.of(Kind.TRUNCATE, Kind.DELETE, Kind.UPDATE, Kind.DROP_TABLE, Kind.ALTER_TABLE)) {
            assertThat(saved(plain(kind, "app.p"))).as("%s", kind).isEqualTo(all);
        }
        assertThat(saved(plain(Kind.TRUNCATE, "app.p_2"))).containsExactly("app.p_2", "app.p_2_a");
        assertThat(securing.rows(database, securing.archive.list("app", "p").get(0)))
                .isEmpty();
        assertThat(securing.rows(database, securing.archive.list("app", "p_2_a").get(0)))
                .containsExactly("11\ta", "12\ta");
    }

    @Test
    void inheriting_tables_are_saved_each_with_its_own_rows_alone() throws Exception {
        database.run(
                "CREATE TABLE app.a (id integer)",
                "CREATE TABLE app.b (x text) INHERITS (app.a)",
                "CREATE TABLE app.c () INHERITS (app.b)",
                "INSERT INTO app.a VALUES (1)",
                "INSERT INTO app.c VALUES (2, 'two')");
        assertThat(saved(plain(Kind.DELETE, "app.a"))).containsExactly("app.a", "app.b", "app.c");
        assertThat(securing.rows(database, securing.archive.list("app", "a").get(0)))
                .containsExactly("1");
        assertThat(securing.rows(database, securing.archive.list("app", "c").get(0)))
                .containsExactly("2\ttwo");
    }

    @Test
    void truncate_cascade_reaches_whoever_refers_and_plain_truncate_does_not() throws Exception {
        database.run(
                "CREATE TABLE app.a (id integer PRIMARY KEY)",
                "CREATE TABLE app.b (id integer PRIMARY KEY REFERENCES app.a)",
                "CREATE TABLE app.c (id integer REFERENCES app.b) PARTITION BY RANGE (id)",
                "CREATE TABLE app.c_1 PARTITION OF app.c DEFAULT",
                "CREATE TABLE app.alone (id integer)");
        assertThat(saved(cascading(Kind.TRUNCATE, "app.a"))).containsExactly("app.a", "app.b", "app.c", "app.c_1");
        assertThat(saved(plain(Kind.TRUNCATE, "app.a"))).containsExactly("app.a");
    }

    @Test
    void delete_follows_the_actions_of_foreign_keys() throws Exception {
        database.run(
                "CREATE TABLE app.a (id integer PRIMARY KEY)",
                "CREATE TABLE app.cascade (id integer PRIMARY KEY REFERENCES app.a ON DELETE CASCADE)",
                "CREATE TABLE app.further (id integer REFERENCES app.cascade ON DELETE CASCADE)",
                "CREATE TABLE app.nulled (id integer PRIMARY KEY, a integer REFERENCES app.a ON DELETE SET NULL)",
                "CREATE TABLE app.follows (id integer REFERENCES app.nulled ON UPDATE CASCADE)",
                "CREATE TABLE app.defaulted (a integer DEFAULT 0 REFERENCES app.a ON DELETE SET DEFAULT)",
                "CREATE TABLE app.restricted (a integer REFERENCES app.a ON DELETE RESTRICT ON UPDATE CASCADE)");
        assertThat(saved(plain(Kind.DELETE, "app.a")))
                .containsExactly("app.a", "app.cascade", "app.defaulted", "app.follows", "app.further", "app.nulled");
        assertThat(saved(plain(Kind.UPDATE, "app.a"))).containsExactly("app.a", "app.restricted");
        assertThat(saved(plain(Kind.DELETE, "app.restricted"))).containsExactly("app.restricted");
    }

    @Test
    void a_foreign_key_cycle_ends() throws Exception {
        database.run(
                "CREATE TABLE app.a (id integer PRIMARY KEY, b integer)",
                "CREATE TABLE app.b (id integer PRIMARY KEY REFERENCES app.a ON DELETE CASCADE)",
                "ALTER TABLE app.a ADD FOREIGN KEY (b) REFERENCES app.b ON DELETE CASCADE");
        assertThat(saved(plain(Kind.DELETE, "app.a"))).containsExactly("app.a", "app.b");
        assertThat(saved(cascading(Kind.TRUNCATE, "app.b"))).containsExactly("app.a", "app.b");
    }

    @Test
    void drop_cascade_reaches_tables_that_lose_a_column_by_it() throws Exception {
        database.run(
                "CREATE TABLE app.a (id integer PRIMARY KEY)",
                "CREATE TABLE app.holds (one app.a, other integer)",
                "CREATE TABLE app.refers (id integer REFERENCES app.a)",
                "CREATE VIEW app.v AS SELECT id FROM app.a",
                "CREATE TABLE app.of_view (one app.v)",
                "CREATE MATERIALIZED VIEW app.m AS SELECT id FROM app.v");
        // A table that only loses its foreign key loses no rows.
        assertThat(saved(cascading(Kind.DROP_TABLE, "app.a"))).containsExactly("app.a", "app.holds", "app.of_view");
        assertThat(saved(plain(Kind.DROP_TABLE, "app.a"))).containsExactly("app.a");
        assertThat(saved(plain(Kind.DROP_VIEW, "app.v"))).isEmpty();
        assertThat(saved(plain(Kind.DROP_MATERIALIZED_VIEW, "app.m"))).isEmpty();
        assertThatThrownBy(() -> saved(cascading(Kind.DROP_VIEW, "app.v")))
                .isInstanceOf(RecoveryNotReadyException.class)
                .hasMessageStartingWith("the statement would also drop materialized view app.m, which no snapshot");
        database.run("DROP MATERIALIZED VIEW app.m");
        assertThat(saved(cascading(Kind.DROP_VIEW, "app.v"))).containsExactly("app.of_view");
    }

    @Test
    void drop_schema_reaches_all_in_it_and_what_depends_on_it_elsewhere() throws Exception {
        database.run(
                "CREATE SCHEMA other",
                "CREATE TYPE app.mood AS ENUM ('ok')",
                "CREATE TABLE app.a (id integer PRIMARY KEY)",
                "CREATE TABLE app.b (id integer)",
                "CREATE TABLE other.child () INHERITS (app.b)",
                "CREATE TABLE other.feels (m app.mood, id integer)",
                "CREATE TABLE other.refers (id integer REFERENCES app.a)",
                "CREATE TABLE other.alone (id integer)");
        Destruction drop = new Destruction(Kind.DROP_SCHEMA, List.of(RelationName.of("app")), true, false);
        assertThat(saved(drop)).containsExactly("app.a", "app.b", "other.child", "other.feels");
        assertThat(saved(plain(Kind.DROP_SCHEMA, "app"))).isEmpty();
    }

    @Test
    void altering_a_type_reaches_the_tables_that_are_made_of_it() throws Exception {
        database.run(
                "CREATE TYPE app.pair AS (a integer, b integer)",
                "CREATE TABLE app.typed OF app.pair",
                "CREATE TABLE app.row (id integer, gone text)");
        assertThat(saved(plain(Kind.ALTER_TABLE, "app.pair"))).containsExactly("app.typed");
        assertThat(saved(plain(Kind.ALTER_TABLE, "app.row"))).containsExactly("app.row");
    }

    private void refusedForItsType(Destruction destruction, String type, String table) {
        assertThatThrownBy(() -> saved(destruction))
                .isInstanceOf(RecoveryNotReadyException.class)
                .hasMessage(
                        "the row type of " + type + " would lose an attribute, and with it the rows of table " + table
                                + " that hold values of it, which could not be put back\nHINT: change the column of table "
                                + table + " to a type of its own first");
    }

    @Test
    void a_type_that_loses_an_attribute_while_tables_hold_values_of_it_is_refused() throws Exception {
        database.run(
                "CREATE TYPE app.pair AS (a integer, b integer)",
                "CREATE TABLE app.uses (p app.pair)",
                "CREATE TABLE app.row (id integer, gone text)",
                "CREATE DOMAIN app.checked AS app.row[] CHECK (true)",
                "CREATE TYPE app.outside AS (inside app.checked)",
                "CREATE TABLE app.parent (id integer, gone text)",
                "CREATE TABLE app.child () INHERITS (app.parent)",
                "CREATE TABLE app.holds_child (r app.child)",
                "CREATE TABLE app.holds (r app.outside)");
        refusedForItsType(plain(Kind.ALTER_TABLE, "app.pair"), "app.pair", "app.uses");
        refusedForItsType(plain(Kind.ALTER_TABLE, "app.row"), "app.row", "app.holds");
        refusedForItsType(plain(Kind.ALTER_TABLE, "app.parent"), "app.child", "app.holds_child");
    }

    @Test
    void a_cascade_that_takes_an_attribute_of_a_stored_type_is_refused() throws Exception {
        database.run(
                "CREATE TABLE app.a (id integer PRIMARY KEY, s text)",
                "CREATE TYPE app.wide AS (x app.a, y integer)",
                "CREATE TABLE app.b (x app.a, id integer)",
                "CREATE SCHEMA inner_types",
                "CREATE TABLE inner_types.c (id integer)",
                "CREATE TYPE app.other AS (c inner_types.c, y integer)");
        assertThat(saved(cascading(Kind.DROP_TABLE, "app.a"))).containsExactly("app.a", "app.b");
        database.run("CREATE TABLE app.z (id integer, w app.wide)", "CREATE TABLE app.o (o app.other)");
        refusedForItsType(cascading(Kind.DROP_TABLE, "app.a"), "app.wide", "app.z");
        refusedForItsType(cascading(Kind.DROP_SCHEMA, "inner_types"), "app.other", "app.o");
        database.run("DROP TABLE app.z", "CREATE TABLE app.z (id integer, b app.b)");
        refusedForItsType(cascading(Kind.DROP_TABLE, "app.a"), "app.b", "app.z");
        assertThat(saved(cascading(Kind.DROP_SCHEMA, "app"))).containsExactly("app.a", "app.b", "app.o", "app.z");
        database.run("DROP SCHEMA inner_types CASCADE");
    }

    @Test
    void a_write_to_a_view_reaches_the_tables_beneath_it() throws Exception {
        database.run(
                "CREATE TABLE app.a (id integer PRIMARY KEY)",
                "CREATE TABLE app.child (id integer REFERENCES app.a ON DELETE CASCADE)",
                "CREATE VIEW app.v AS SELECT id FROM app.a WHERE EXISTS (SELECT FROM pg_class)",
                "CREATE VIEW app.vv AS SELECT * FROM app.v");
        assertThat(saved(plain(Kind.DELETE, "app.vv"))).containsExactly("app.a", "app.child");
        assertThat(saved(plain(Kind.UPDATE, "app.vv"))).containsExactly("app.a");
    }

    @Test
    void a_write_to_a_view_that_does_something_else_instead_is_refused() throws Exception {
        database.run(
                "CREATE TABLE app.a (id integer)",
                "CREATE VIEW app.v AS SELECT id FROM app.a",
                "CREATE RULE r AS ON DELETE TO app.v DO INSTEAD NOTHING",
                "CREATE VIEW app.over AS SELECT * FROM app.v");
        refused(plain(Kind.DELETE, "app.v"), "view app.v has rules or INSTEAD OF triggers");
        refused(plain(Kind.DELETE, "app.over"), "view app.v has rules or INSTEAD OF triggers");
    }

    @Test
    void rows_on_another_server_catalogs_and_what_no_snapshot_brings_back_are_refused() throws Exception {
        database.run(
                "CREATE EXTENSION IF NOT EXISTS file_fdw",
                "CREATE SERVER IF NOT EXISTS files FOREIGN DATA WRAPPER file_fdw",
                "CREATE TABLE app.p (id integer) PARTITION BY RANGE (id)",
                "CREATE FOREIGN TABLE app.far PARTITION OF app.p DEFAULT SERVER files OPTIONS (filename '/dev/null')");
        refused(plain(Kind.DELETE, "app.p"), "foreign table app.far has its rows on another server");
        assertThat(saved(plain(Kind.DROP_TABLE, "app.p"))).containsExactly("app.far", "app.p");
        database.run("DROP EXTENSION file_fdw CASCADE");
        securing.store.list("").forEach(name -> {
            try {
                securing.store.delete(name);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
        refused(plain(Kind.DELETE, "pg_catalog.pg_class"), "relation pg_catalog.pg_class belongs to PostgreSQL itself");
        refused(plain(Kind.UNRECOVERABLE), "the statement destroys what no snapshot of tables brings back");
    }

    @Test
    void names_mean_what_they_mean_to_the_server_in_this_session() throws Exception {
        database.run(
                "CREATE SCHEMA other",
                "CREATE TABLE app.t (id integer)",
                "CREATE TABLE other.t (id integer)",
                "CREATE TABLE other.\"T\" (id integer)");
        try (Connection connection = Securing.begin(database)) {
            Securing.run(connection, "SET search_path = other, app");
            assertThat(Securing.tables(securing.secure(connection, plain(Kind.TRUNCATE, "t"))))
                    .containsExactly("other.t");
            assertThat(Securing.tables(securing.secure(connection, plain(Kind.TRUNCATE, "T"))))
                    .containsExactly("other.T");
            Securing.run(connection, "SET search_path = app");
            assertThat(Securing.tables(securing.secure(connection, plain(Kind.TRUNCATE, "t"))))
                    .containsExactly("app.t");
            assertThat(Securing.tables(securing.secure(connection, plain(Kind.DROP_TABLE, "nothing", "T"))))
                    .isEmpty();
        }
    }

    @Test
    void operators_of_somebody_elses_do_not_answer_for_the_servers() throws Exception {
        database.run(
                "CREATE TABLE app.a (id integer PRIMARY KEY)",
                "CREATE TABLE app.b (id integer REFERENCES app.a ON DELETE CASCADE)",
                "CREATE SCHEMA other",
                "CREATE FUNCTION other.never(oid, oid) RETURNS boolean LANGUAGE sql AS 'SELECT false'",
                "CREATE OPERATOR other.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = other.never)");
        try (Connection connection = Securing.begin(database)) {
            Securing.run(connection, "SET search_path = other, pg_catalog");
            assertThat(Securing.tables(securing.secure(connection, plain(Kind.DELETE, "app.a"))))
                    .containsExactly("app.a", "app.b");
        }
    }

    @Test
    void companions_are_saved_along_and_have_to_exist() throws Exception {
        database.run("CREATE TABLE app.a (id integer)", "CREATE TABLE app.b (id integer)");
        try (Connection connection = Securing.begin(database)) {
            Securing.run(connection, "SET search_path = app");
            var secured = securing.service.secure(
                    connection,
                    Connections.NONE,
                    Securing.request(List.of(plain(Kind.DELETE, "a")), List.of("b", "app.b"), Long.MAX_VALUE),
                    Progress.SILENT);
            assertThat(Securing.tables(secured)).containsExactly("app.a", "app.b");
            assertThatThrownBy(() -> securing.service.secure(
                            connection,
                            Connections.NONE,
                            Securing.request(List.of(plain(Kind.DELETE, "a")), List.of("app.missing"), Long.MAX_VALUE),
                            Progress.SILENT))
                    .isInstanceOf(RecoveryNotReadyException.class)
                    .hasMessageContaining("table app.missing of the recovery group does not exist");
        }
    }
}
