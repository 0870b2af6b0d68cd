package io.backstop.jdbc.internal.pipeline.impact;

import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Optional;

import static org.assertj.core.api.Assertions.assertThat;

/** Sizes of tables whose rows the role may not count. */
@ExtendWith(PostgresExtension.class)
class TableSizesTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "CREATE TABLE hidden (id int) WITH (autovacuum_enabled = off)",
                "CREATE TABLE hidden (id int) PARTITION BY RANGE (id);"
                        + " CREATE TABLE low PARTITION OF hidden FOR VALUES FROM (0) TO (1000)"
                        + " WITH (autovacuum_enabled = off);"
                        + " CREATE TABLE high PARTITION OF hidden FOR VALUES FROM (1000) TO (10000)"
                        + " WITH (autovacuum_enabled = off)"
            })
    void a_table_that_was_never_analysed_has_the_rows_that_the_statistics_have_seen(String made, TestDatabase database)
            throws SQLException {
        String role = "blind_" + ProcessHandle.current().pid();
        database.run(
                made,
                "CREATE ROLE " + role,
                "GRANT UPDATE ON hidden TO " + role,
                "INSERT INTO hidden SELECT generate_series(1, 3000)");
        try (Connection connection = database.connect();
                Statement statement = connection.createStatement()) {
            while (!database.value("SELECT sum(pg_stat_get_live_tuples(oid)) FROM pg_class"
                            + " WHERE relname IN ('hidden', 'low', 'high')")
                    .equals("3000")) {
                Thread.onSpinWait(); // the session that wrote them tells of them when it ends
            }
            statement.execute("SET ROLE " + role);
            long table = Long.parseLong(database.value("SELECT 'hidden'::regclass::oid"));
            TableSizes sizes = new TableSizes(connection);
            assertThat(sizes.before(table, 10_000, 0, 0)).isEqualTo(Optional.of(3000L));
            assertThat(sizes.isMoreThan(50, table, 2, 0, 0, Optional.empty())).isFalse();
            assertThat(sizes.isMoreThan(50, table, 2000, 2000, 0, Optional.empty()))
                    .as("the estimate does not fall with what the transaction has deleted")
                    .isTrue();
            assertThat(sizes.before(table, 10_000, 2000, 0)).isEqualTo(Optional.of(3000L));
            assertThat(sizes.before(table, 10_000, 0, 2000)).isEqualTo(Optional.of(3000L));
            database.run("ANALYZE hidden");
            database.run("UPDATE pg_class SET reltuples = 100000 WHERE relname IN ('hidden', 'low') AND relkind = 'r'");
            assertThat(sizes.before(table, 10_000, 0, 0))
                    .as("an analysis may have seen rows that were rolled back")
                    .isEqualTo(Optional.of(3000L));
            assertThat(sizes.isMoreThan(50, table, 2000, 0, 0, Optional.empty()))
                    .isTrue();
        } finally {
            database.run("DROP TABLE hidden", "DROP ROLE " + role);
        }
    }
}
