package io.backstop.jdbc;

import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;

import static org.assertj.core.api.Assertions.assertThat;

/** pgjdbc is told to have every text described before it is sent. */
@ExtendWith(PostgresExtension.class)
class ForcedBinaryTest {
    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"strict", "application", "read-only"})
    void a_transaction_of_the_callers_begins_with_a_query(String profile, TestDatabase database) throws SQLException {
        try (Backstop backstop = Backstop.builder()
                        .policy(profile)
                        .control(folder.resolve(profile + ".db"))
                        .build();
                Connection connection =
                        backstop.guard(DriverManager.getConnection(database.url() + "&prepareThreshold=-1"))) {
            connection.setAutoCommit(false);
            for (int i = 0; i < 3; i++) {
                try (PreparedStatement select = connection.prepareStatement("SELECT 1 + ?")) {
                    select.setInt(1, i);
                    try (ResultSet row = select.executeQuery()) {
                        assertThat(row.next()).isTrue();
                        assertThat(row.getInt(1)).isEqualTo(1 + i);
                    }
                }
                connection.commit();
            }
        }
    }
}
