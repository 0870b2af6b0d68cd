package io.backstop.jdbc;

import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.snapshot.Connections;
import io.backstop.jdbc.analysis.SqlAnalyzer;
import io.backstop.jdbc.internal.pipeline.catalog.CatalogWeigher;
import io.backstop.jdbc.internal.pipeline.session.GuardedSession;
import io.backstop.jdbc.internal.pipeline.statement.AssessedText;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import java.security.SecureRandom;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * A VOLATILE function behind every place of the grammar of SELECT, in every spelling: the server says whether it ran, and no
 * query that ran it is SAFE. With {@code -Plong} it is done for a million queries, which are others at every run: the seed is
 * printed, with how far it has got, and {@code -Dbackstop.test.seed=…} gives it again.
 */
@ExtendWith(PostgresExtension.class)
class CanaryTest {
    private static final int USUAL = 3_000;
    private static final int PROGRESS = 10_000;
    private static final int QUERIES = Integer.getInteger("backstop.test.canaries", USUAL);
    private static final long SEED =
            Long.getLong("backstop.test.seed", QUERIES == USUAL ? 20261128 : new SecureRandom().nextLong());

    @Test
    void no_query_that_runs_the_canary_is_safe(TestDatabase database) throws SQLException {
        database.run(CanaryQueries.SCHEMA.toArray(String[]::new));
        System.out.println("canaries: " + QUERIES + ", seed " + SEED);
        CanaryQueries queries = new CanaryQueries(SEED);
        SqlAnalyzer analyzer = SqlAnalyzer.create();
        CatalogWeigher weigher = new CatalogWeigher(Clock.systemUTC(), session -> {});
        int made = 0;
        int ran = 0;
        try (Connection connection = database.connect();
                Statement statement = connection.createStatement();
                Connection other = database.connect()) {
            GuardedSession session = new GuardedSession(other, Connections.NONE, database.url(), "generator");
            statement.setMaxRows(1_000);
            long sung = sung(statement, "nothing yet");
            while (ran < QUERIES) {
                String sql = queries.next();
                made++;
                assertThat(made).as("most are valid").isLessThan(3 * QUERIES + 100);
                try {
                    statement.execute(sql);
                } catch (SQLException e) {
                    // An empty array, a subquery with two rows: it may have run the canary all the same.
                    if (e.getSQLState() == null || connection.isClosed()) {
                        throw lost(sql, ran, e);
                    }
                }
                long now = sung(statement, sql);
                if (now != sung) {
                    ran++;
                    sung = now;
                    AssessedText text = new AssessedText(sql, analyzer.assess(sql), true);
                    assertThat(weigher.weigh(session, text).assessment().risk())
                            .as(sql)
                            .isNotEqualTo(RiskLevel.SAFE);
                    if (ran % PROGRESS == 0) {
                        System.out.println("canaries: " + ran + " of " + QUERIES + ", seed " + SEED);
                    }
                }
            }
        }
    }

    /** A sequence keeps what a failed statement drew from it. */
    private static long sung(Statement statement, String sql) {
        try (ResultSet row = statement.executeQuery("SELECT last_value + is_called::int FROM sung")) {
            row.next();
            return row.getLong(1);
        } catch (SQLException e) {
            throw new AssertionError("the canaries cannot be counted after: " + sql, e);
        }
    }

    private static AssertionError lost(String sql, int ran, SQLException cause) {
        return new AssertionError(
                "the connection was lost after " + ran + " canaries, seed " + SEED + ", by: " + sql, cause);
    }
}
