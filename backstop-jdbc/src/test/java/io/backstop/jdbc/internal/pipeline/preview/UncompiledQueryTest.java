package io.backstop.jdbc.internal.pipeline.preview;

import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

import static org.assertj.core.api.Assertions.assertThat;

@ExtendWith(PostgresExtension.class)
class UncompiledQueryTest {
    @ParameterizedTest
    @CsvSource({
        "preferQueryMode=extended, AUTO_COMMIT, off",
        "preferQueryMode=extended, TRANSACTION, off",
        "preferQueryMode=extended, BEGIN, off",
        "preferQueryMode=simple, AUTO_COMMIT, on",
        "preferQueryMode=simple, TRANSACTION, on",
        "autosave=always, TRANSACTION, off",
        "defaultRowFetchSize=1, AUTO_COMMIT, off",
        "defaultRowFetchSize=1, TRANSACTION, off",
        "prepareThreshold=1, TRANSACTION, off",
        "prepareThreshold=-1, AUTO_COMMIT, on",
        "prepareThreshold=-1, BEGIN, on"
    })
    void the_setting_is_off_for_the_question_alone(String setting, String mode, String meanwhile, TestDatabase database)
            throws SQLException {
        try (Connection connection = DriverManager.getConnection(database.url() + "&" + setting);
                Statement statement = connection.createStatement()) {
            statement.execute("SET jit = on");
            connection.setAutoCommit(!mode.equals("TRANSACTION"));
            if (mode.equals("BEGIN")) {
                statement.execute("BEGIN");
            }
            for (int i = 0; i < 7; i++) { // also once the server has prepared it
                try (UncompiledQuery query = UncompiledQuery.prepare(
                        connection, "SELECT pg_catalog.current_setting('jit'), ? FROM generate_series(1, 3)")) {
                    query.statement().setInt(1, i);
                    try (ResultSet row = query.rows()) {
                        for (int j = 0; j < 3; j++) {
                            assertThat(row.next()).isTrue();
                            assertThat(row.getString(1)).isEqualTo(meanwhile);
                            assertThat(row.getInt(2)).isEqualTo(i);
                        }
                        assertThat(row.next()).isFalse();
                    }
                }
                try (ResultSet row = statement.executeQuery("SHOW jit")) {
                    row.next();
                    assertThat(row.getString(1)).isEqualTo("on");
                }
            }
        }
    }
}
