package io.backstop.jdbc;

import io.backstop.api.error.PausedException;
import io.backstop.api.error.StatementBlockedException;
import io.backstop.jdbc.control.SqlControlStore;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

import javax.sql.rowset.serial.SerialBlob;

import java.io.ByteArrayInputStream;
import java.nio.file.Path;
import java.sql.Blob;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Clock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** What pgjdbc stores of a bound value, without a statement, is a write like any other. */
@ExtendWith(PostgresExtension.class)
class LargeObjectCheckTest {
    @TempDir
    private Path folder;

    private TestDatabase database;
    private SqlControlStore store;
    private String before;

    @BeforeEach
    void connect(TestDatabase testDatabase) throws SQLException {
        database = testDatabase;
        store = SqlControlStore.sqlite(folder.resolve("backstop.db"), Clock.systemUTC());
        before = objects();
    }

    @AfterEach
    void close() {
        store.close();
    }

    private String objects() throws SQLException {
        return database.value("SELECT count(*) FROM pg_largeobject_metadata");
    }

    private interface Binding {
        void bind(PreparedStatement statement) throws SQLException;
    }

    private void bind(String policy, Binding binding) throws SQLException {
        try (Backstop backstop = Backstop.builder()
                        .control(SqlControlStore.sqlite(folder.resolve("backstop.db"), Clock.systemUTC()))
                        .policy(policy)
                        .build();
                Connection connection = backstop.guard(database.connect())) {
            connection.setAutoCommit(false);
            try (PreparedStatement statement = connection.prepareStatement("SELECT ?::oid")) {
                binding.bind(statement);
            } finally {
                connection.commit();
            }
        }
    }

    private static void stream(PreparedStatement statement) throws SQLException {
        statement.setBlob(1, new ByteArrayInputStream(new byte[] {1, 2, 3}));
    }

    private static void blob(PreparedStatement statement) throws SQLException {
        Blob blob = new SerialBlob(new byte[] {1, 2, 3});
        statement.setBlob(1, blob);
    }

    @Test
    void none_is_stored_under_a_policy_that_only_reads() throws SQLException {
        assertThatThrownBy(() -> bind("read-only", LargeObjectCheckTest::stream))
                .isInstanceOf(StatementBlockedException.class);
        assertThatThrownBy(() -> bind("read-only", LargeObjectCheckTest::blob))
                .isInstanceOf(StatementBlockedException.class);
        assertThat(objects()).isEqualTo(before);
    }

    @Test
    void none_is_stored_while_writes_are_paused() throws SQLException {
        store.pause().pause("test", "ops");
        assertThatThrownBy(() -> bind("application", LargeObjectCheckTest::stream))
                .isInstanceOf(PausedException.class);
        assertThat(objects()).isEqualTo(before);
    }

    @Test
    void it_is_on_the_record() throws SQLException {
        bind("strict", LargeObjectCheckTest::stream);
        assertThat(objects()).isNotEqualTo(before);
        assertThat(store.audit().newest(5))
                .anyMatch(record -> record.event().outcome().contains("a bound value becomes a large object"));
    }
}
