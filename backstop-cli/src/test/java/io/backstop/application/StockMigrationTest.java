package io.backstop.application;

import io.backstop.api.audit.AuditEvent;
import io.backstop.api.audit.AuditQuery;
import io.backstop.jdbc.BackstopDataSource;
import io.backstop.jdbc.control.SqlControlStore;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.flywaydb.core.Flyway;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Clock;
import java.util.List;
import java.util.Map;

import static org.assertj.core.api.Assertions.assertThat;

/** Flyway with the migrations of a shop, under the profile {@code application}: all of them run without a refusal. */
@Timeout(60)
@ExtendWith(PostgresExtension.class)
class StockMigrationTest {
    @TempDir
    private Path folder;

    private final BackstopDataSource source = new BackstopDataSource();
    private TestDatabase database;

    @BeforeEach
    void create(TestDatabase testDatabase) throws SQLException {
        database = testDatabase;
        database.run("DROP SCHEMA public CASCADE", "CREATE SCHEMA public");
        source.setUrl(database.backstopUrl("backstop.policy=application&backstop.agentId=flyway&backstop.control="
                + control() + "&backstop.storage=" + folder.resolve("snapshots").toUri()));
    }

    @AfterEach
    void close() {
        source.close();
    }

    private Path control() {
        return folder.resolve("backstop.db");
    }

    /** As Spring Boot makes it: over a data source. */
    private Flyway flyway() {
        return Flyway.configure()
                .dataSource(source)
                .locations("classpath:stock-migrations")
                // Else CREATE INDEX CONCURRENTLY waits for Flyway's own transaction, without Backstop too.
                .configuration(Map.of("flyway.postgresql.transactional.lock", "false"))
                .cleanDisabled(false)
                .load();
    }

    @Test
    void every_migration_runs_and_leaves_what_it_leaves_without_backstop() throws Exception {
        assertThat(flyway().migrate().migrationsExecuted).isEqualTo(7);
        flyway().validate();
        assertThat(flyway().migrate().migrationsExecuted)
                .as("at the next start")
                .isZero();
        assertThat(flyway().info().pending()).isEmpty();
        assertThat(refusals()).isEmpty();
        assertThat(database.rows("SELECT count(*) FROM customer UNION ALL SELECT count(*) FROM orders"
                        + " UNION ALL SELECT count(*) FROM open_orders UNION ALL SELECT count(*) FROM order_log"))
                .containsExactly("2000", "1990", "491", "0");
    }

    @Test
    void clean_takes_everything_away_and_migrates_again() throws Exception {
        Flyway flyway = flyway();
        flyway.migrate();
        database.run(
                "CREATE TYPE mood AS ENUM ('sad')",
                "CREATE TYPE pair AS (a int, b int)",
                "CREATE DOMAIN small AS int",
                "CREATE SEQUENCE alone",
                "CREATE FUNCTION of_mood(mood) RETURNS int LANGUAGE sql AS 'SELECT 1'",
                "CREATE PROCEDURE nothing() LANGUAGE sql AS ''",
                "CREATE AGGREGATE total(int) (SFUNC = int4pl, STYPE = int)");
        flyway.clean();
        assertThat(refusals()).isEmpty();
        assertThat(database.rows("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
                        + " UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
                        + " UNION ALL SELECT typname FROM pg_type WHERE typnamespace = 'public'::regnamespace"))
                .isEmpty();
        assertThat(flyway.migrate().migrationsExecuted).isEqualTo(7);
    }

    private List<String> refusals() throws Exception {
        try (SqlControlStore store = SqlControlStore.sqlite(control(), Clock.systemUTC())) {
            return store.audit().newest(AuditQuery.unfiltered(10_000)).stream()
                    .map(audited -> audited.event())
                    .filter(event -> event.kind() == AuditEvent.Kind.REFUSAL
                            || (event.kind() == AuditEvent.Kind.DECISION
                                    && !event.outcome().startsWith("allow")))
                    .map(event -> event.outcome() + ": " + event.sql())
                    .toList();
        }
    }
}
