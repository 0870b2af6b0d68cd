package io.backstop.application;

import io.backstop.api.audit.AuditEvent;
import io.backstop.api.audit.AuditQuery;
import io.backstop.api.error.ApprovalRequiredException;
import io.backstop.jdbc.control.SqlControlStore;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;

import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Map;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Spring Boot with Flyway under the profile {@code strict}: held where something is created, and not before. */
@ExtendWith(PostgresExtension.class)
class StockFlywayTest {
    @TempDir
    private Path folder;

    @SpringBootConfiguration
    @EnableAutoConfiguration
    static class Application {}

    private void start(TestDatabase database) {
        SpringApplication application = new SpringApplication(Application.class);
        application.setWebApplicationType(WebApplicationType.NONE);
        application.setDefaultProperties(Map.of(
                "spring.main.banner-mode", "off",
                "spring.datasource.url",
                        database.backstopUrl("backstop.policy=strict&backstop.agentId=flyway&backstop.control="
                                + folder.resolve("backstop.db")),
                "spring.datasource.driver-class-name", "io.backstop.jdbc.BackstopDriver",
                "spring.flyway.locations", "classpath:stock-flyway",
                "spring.jpa.hibernate.ddl-auto", "none"));
        application.run().close();
    }

    @Test
    void a_migration_is_held_at_its_first_statement_that_creates_something(TestDatabase database) throws Exception {
        database.run(
                "DROP SCHEMA public CASCADE",
                "CREATE SCHEMA public",
                // Flyway tries ten times, a second apart, to make it.
                "CREATE TABLE flyway_schema_history (installed_rank INT NOT NULL PRIMARY KEY, version VARCHAR(50),"
                        + " description VARCHAR(200) NOT NULL, type VARCHAR(20) NOT NULL, script VARCHAR(1000) NOT NULL,"
                        + " checksum INTEGER, installed_by VARCHAR(100) NOT NULL,"
                        + " installed_on TIMESTAMP NOT NULL DEFAULT now(), execution_time INTEGER NOT NULL,"
                        + " success BOOLEAN NOT NULL)");
        assertThatThrownBy(() -> start(database)).hasRootCauseInstanceOf(ApprovalRequiredException.class);
        assertThat(heldOrBlocked()).singleElement().asString().contains("CREATE TABLE account");

        database.run(
                "CREATE TABLE account (id bigint PRIMARY KEY)",
                "INSERT INTO flyway_schema_history SELECT 1, '1', 'accounts', 'SQL', 'V1__accounts.sql', NULL, 'me',"
                        + " now(), 1, true");
        start(database);
        assertThat(heldOrBlocked()).as("nothing more once it is migrated").hasSize(1);
    }

    private List<String> heldOrBlocked() throws Exception {
        try (SqlControlStore store = SqlControlStore.sqlite(folder.resolve("backstop.db"), Clock.systemUTC())) {
            return store.audit().newest(AuditQuery.unfiltered(1_000)).stream()
                    .map(audited -> audited.event())
                    .filter(event -> event.kind() == AuditEvent.Kind.DECISION
                            && !event.outcome().startsWith("allow"))
                    .map(event -> event.outcome() + ": " + event.sql())
                    .toList();
        }
    }
}
