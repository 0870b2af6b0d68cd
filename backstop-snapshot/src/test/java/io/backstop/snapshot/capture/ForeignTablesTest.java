package io.backstop.snapshot.capture;

import io.backstop.api.analysis.Destruction;
import io.backstop.api.analysis.Destruction.Kind;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.snapshot.Connections;
import io.backstop.api.snapshot.Progress;
import io.backstop.api.snapshot.SecuredRows;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotManifest.Source;
import io.backstop.api.snapshot.SnapshotRequest;
import io.backstop.api.snapshot.SnapshotSettings;
import io.backstop.snapshot.schema.TableDescription;
import io.backstop.snapshot.store.MemoryObjectStore;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;

import static io.backstop.snapshot.capture.Securing.plain;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

/** A foreign table is kept by its definition where that goes, and what would take its rows is refused. */
@ExtendWith(PostgresExtension.class)
class ForeignTablesTest {
    private final TestDatabase database;
    private final Securing securing = new Securing(new MemoryObjectStore());

    ForeignTablesTest(TestDatabase database) {
        this.database = database;
    }

    /** The foreign server is this one: app.remote holds the rows of app.far and app.p_far. */
    @BeforeEach
    void create() throws SQLException {
        drop();
        database.run(
                "CREATE SCHEMA app",
                "CREATE EXTENSION postgres_fdw",
                "DO $$ BEGIN EXECUTE format('CREATE SERVER itself FOREIGN DATA WRAPPER postgres_fdw "
                        + "OPTIONS (host %L, port %L, dbname %L)', '127.0.0.1', current_setting('port'), "
                        + "current_database()); END $$",
                "CREATE USER MAPPING FOR CURRENT_USER SERVER itself OPTIONS (user 'postgres')",
                "CREATE TABLE app.remote (id integer)",
                "INSERT INTO app.remote VALUES (1), (2)",
                "CREATE FOREIGN TABLE app.far (id integer) SERVER itself "
                        + "OPTIONS (schema_name 'app', table_name 'remote')",
                "CREATE TABLE app.p (id integer) PARTITION BY RANGE (id)",
                "CREATE TABLE app.p_1 PARTITION OF app.p FOR VALUES FROM (10) TO (20)",
                "CREATE FOREIGN TABLE app.p_far PARTITION OF app.p DEFAULT SERVER itself "
                        + "OPTIONS (schema_name 'app', table_name 'remote')");
    }

    @AfterEach
    void drop() throws SQLException {
        database.run("DROP EXTENSION IF EXISTS postgres_fdw CASCADE", "DROP SCHEMA IF EXISTS app CASCADE");
    }

    /** What the refusals are for. */
    @ParameterizedTest
    @CsvSource({"TRUNCATE app.far", "TRUNCATE app.p", "TRUNCATE app.p_far", "DELETE FROM app.p", "DELETE FROM app.far"})
    void the_server_itself_would_take_the_rows_of_the_other(String statement) throws SQLException {
        database.run(statement);
        assertThat(database.rows("SELECT * FROM app.remote")).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "TRUNCATE, app.far, app.far",
        "TRUNCATE, app.p_far, app.p_far",
        "TRUNCATE, app.p, app.p_far",
        "DELETE, app.far, app.far",
        "DELETE, app.p, app.p_far",
        "UPDATE, app.p, app.p_far"
    })
    void what_takes_rows_of_another_server_is_refused_and_changes_nothing(Kind kind, String named, String foreign)
            throws Exception {
        try (Connection connection = Securing.begin(database)) {
            assertThatThrownBy(() -> securing.secure(connection, plain(kind, named)))
                    .isInstanceOf(RecoveryNotReadyException.class)
                    .hasMessageStartingWith("foreign table " + foreign + " has its rows on another server")
                    .hasMessageContaining("run the statement there, behind a Backstop of its own");
        }
        assertThat(database.rows("SELECT * FROM app.remote")).hasSize(2);
        assertThat(securing.archive.list()).isEmpty();
    }

    @Test
    void a_write_to_a_foreign_table_through_a_trigger_is_found_afterwards() throws Exception {
        database.run(
                "CREATE TABLE app.local (id integer)",
                "INSERT INTO app.local VALUES (1)",
                "CREATE FUNCTION app.reach() RETURNS trigger LANGUAGE plpgsql AS"
                        + " 'BEGIN DELETE FROM app.far; RETURN NULL; END'",
                "CREATE TRIGGER reach AFTER DELETE ON app.local EXECUTE FUNCTION app.reach()");
        try (Connection connection = Securing.begin(database)) {
            SecuredRows secured = securing.secure(connection, plain(Kind.DELETE, "app.local"));
            Securing.run(connection, "DELETE FROM app.local");
            assertThatThrownBy(secured::confirmNothingElseWasDestroyed)
                    .isInstanceOf(RecoveryNotReadyException.class)
                    .hasMessageStartingWith("the statement wrote to foreign table app.far through a trigger");
        }
        assertThat(database.rows("SELECT * FROM app.remote")).hasSize(2);
    }

    @Test
    void a_dropped_foreign_table_is_kept_by_its_definition_and_its_rows_stay() throws Exception {
        try (Connection connection = Securing.begin(database)) {
            SecuredRows secured = securing.secure(connection, plain(Kind.DROP_TABLE, "app.far"));
            Securing.run(connection, "DROP FOREIGN TABLE app.far");
            secured.confirmNothingElseWasDestroyed();
            connection.commit();
            SnapshotManifest manifest = Securing.only(secured);
            assertThat(manifest.rowCount()).isZero();
            assertThat(manifest.chunks()).isEmpty();
            TableDescription table = securing.archive.description(manifest);
            assertThat(table.foreign().orElseThrow().options()).containsExactly("schema_name=app", "table_name=remote");
            assertThat(table.omissions())
                    .containsExactly("the rows of foreign table app.far are on server itself: they were not stored");
            assertThat(new String(securing.archive.script(manifest), StandardCharsets.UTF_8))
                    .contains("CREATE FOREIGN TABLE \"app\".\"far\" (\"id\" integer) SERVER \"itself\" "
                            + "OPTIONS (\"schema_name\" 'app', \"table_name\" 'remote')");
        }
        assertThat(database.rows("SELECT * FROM app.remote")).hasSize(2);
    }

    @Test
    void whatever_drops_or_alters_foreign_tables_along_keeps_their_definition() throws Exception {
        assertThat(saved(plain(Kind.DROP_TABLE, "app.p"))).containsExactly("app.p", "app.p_1", "app.p_far");
        assertThat(saved(plain(Kind.ALTER_TABLE, "app.p"))).containsExactly("app.p", "app.p_1", "app.p_far");
        assertThat(saved(new Destruction(Kind.DROP_SCHEMA, List.of(RelationName.of("app")), true, false)))
                .containsExactly("app.far", "app.p", "app.p_1", "app.p_far", "app.remote");
    }

    private List<String> saved(Destruction destruction) throws Exception {
        try (Connection connection = Securing.begin(database)) {
            return Securing.tables(securing.secure(connection, destruction));
        }
    }

    @Test
    void at_repeatable_read_a_dropped_schema_is_saved_with_its_foreign_tables() throws Exception {
        try (Connection connection = database.connect()) {
            connection.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
            connection.setAutoCommit(false);
            SecuredRows secured = securing.secure(
                    connection, new Destruction(Kind.DROP_SCHEMA, List.of(RelationName.of("app")), true, false));
            Securing.run(connection, "DROP SCHEMA app CASCADE");
            secured.confirmNothingElseWasDestroyed();
            assertThat(Securing.tables(secured)).contains("app.far", "app.p_far", "app.remote");
        }
    }

    @Test
    void where_snapshots_were_taken_beforehand_definitions_are_taken_now() throws Exception {
        SnapshotSettings settings = new SnapshotSettings(
                securing.store.address(),
                SnapshotSettings.DEFAULT_LOCK_TIMEOUT,
                Clock.fixed(Securing.NOW, ZoneOffset.UTC));
        new TableSnapshots(securing.store, settings)
                .take(
                        () -> Optional.of(database.connect()),
                        List.of(RelationName.of("app", "p")),
                        RowEncoding.AUTO,
                        Source.SIDECAR,
                        "localhost:5432/test",
                        Progress.SILENT);
        SnapshotRequest request = new SnapshotRequest(
                List.of(plain(Kind.DROP_TABLE, "app.p"), plain(Kind.DROP_TABLE, "app.far")),
                List.of(),
                Long.MAX_VALUE,
                Optional.of(Duration.ofMinutes(1)),
                "localhost:5432/test",
                "agent-7",
                "ab".repeat(32),
                Optional.empty(),
                false);
        try (Connection connection = Securing.begin(database)) {
            SecuredRows secured = securing.service.secure(connection, Connections.NONE, request, Progress.SILENT);
            assertThat(secured.manifests())
                    .extracting(SnapshotManifest::table, SnapshotManifest::source)
                    .containsExactlyInAnyOrder(
                            tuple("p", Source.SIDECAR),
                            tuple("p_1", Source.SIDECAR),
                            tuple("p_far", Source.INLINE),
                            tuple("far", Source.INLINE));
        }
    }

    @Test
    void a_foreign_table_is_not_saved_as_if_its_rows_were_here() {
        SnapshotSettings settings = new SnapshotSettings(
                securing.store.address(),
                SnapshotSettings.DEFAULT_LOCK_TIMEOUT,
                Clock.fixed(Securing.NOW, ZoneOffset.UTC));
        assertThatThrownBy(() -> new TableSnapshots(securing.store, settings)
                        .take(
                                () -> Optional.of(database.connect()),
                                List.of(RelationName.of("app", "far")),
                                RowEncoding.AUTO,
                                Source.MANUAL,
                                "localhost:5432/test",
                                Progress.SILENT))
                .isInstanceOf(RecoveryNotReadyException.class)
                .hasMessageStartingWith("foreign table app.far has its rows on another server");
    }
}
