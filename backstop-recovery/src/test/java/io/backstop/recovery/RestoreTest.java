package io.backstop.recovery;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.snapshot.store.ObjectStore;
import io.backstop.snapshot.store.ObjectStores;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.S3Extension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;

import static org.assertj.core.api.Assertions.assertThat;

@ExtendWith({PostgresExtension.class, S3Extension.class})
class RestoreTest {
    private final TestDatabase database;
    private final ObjectStore store;
    private final Captures captures;

    RestoreTest(TestDatabase database, @TempDir Path folder) {
        this.database = database;
        this.store = ObjectStores.open(folder.toUri().toString());
        this.captures = new Captures(database, store);
    }

    @BeforeEach
    void startEmpty() throws SQLException {
        database.run("DROP SCHEMA public CASCADE", "CREATE SCHEMA public");
    }

    @AfterEach
    void closeStore() {
        store.close();
    }

    private RestoredTable restore(SnapshotManifest manifest) throws Exception {
        return restore(captures, manifest, Restore.defaultTarget(manifest));
    }

    private RestoredTable restore(Captures from, SnapshotManifest manifest, RelationName target) throws Exception {
        try (Connection connection = database.connect()) {
            RestoredTable table =
                    new Restore(from.archive()).restore(connection, manifest, target, RestoreProgress.SILENT);
            assertThat(connection.getAutoCommit()).isTrue();
            return table;
        }
    }

    @Test
    void a_table_comes_back_with_everything_that_makes_it_a_table() throws Exception {
        database.run(
                "CREATE TYPE mood AS ENUM ('sad', 'ok')",
                "CREATE FUNCTION shout(t text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT upper(t)'",
                "CREATE TABLE orgs (id int PRIMARY KEY)",
                "INSERT INTO orgs VALUES (1)",
                """
                CREATE UNLOGGED TABLE users (
                    id bigint GENERATED ALWAYS AS IDENTITY (START 7 INCREMENT 3) PRIMARY KEY,
                    number serial,
                    email varchar(80) COLLATE "C" NOT NULL UNIQUE,
                    mood mood DEFAULT 'ok',
                    org int REFERENCES orgs ON DELETE CASCADE DEFERRABLE,
                    boss bigint REFERENCES users (id),
                    loud text GENERATED ALWAYS AS (shout(email)) STORED,
                    quiet text GENERATED ALWAYS AS (lower(email)) VIRTUAL,
                    span int4range,
                    CONSTRAINT "no x" CHECK (email <> 'x'),
                    CONSTRAINT apart EXCLUDE USING gist (span WITH &&)
                ) WITH (fillfactor = 70, autovacuum_enabled = off)
                """,
                "CREATE INDEX ON users (lower(email)) WHERE mood = 'ok'",
                "CREATE UNIQUE INDEX users_number ON users (number DESC) INCLUDE (email)",
                "COMMENT ON TABLE users IS 'it''s \\ ours'",
                "COMMENT ON COLUMN users.email IS 'where to'",
                "COMMENT ON CONSTRAINT users_pkey ON users IS 'the key'",
                "COMMENT ON INDEX users_number IS 'an index'",
                "INSERT INTO users (email, org, span) SELECT 'u' || i, 1, int4range(i, i + 1) "
                        + "FROM generate_series(1, 10) i",
                "UPDATE users SET boss = 7");
        SnapshotManifest manifest = captures.take("users");

        RestoredTable restored = restore(manifest);

        assertThat(restored.validation().holds()).isTrue();
        assertThat(restored.validation().checks())
                .extracting(Validation.Check::subject)
                .contains("rows", "row checksum", "column email", "column loud", "constraint users_recovered_apart");
        assertThat(restored.warnings()).isEmpty();
        assertThat(restored.created()).isEmpty();
    }
}
