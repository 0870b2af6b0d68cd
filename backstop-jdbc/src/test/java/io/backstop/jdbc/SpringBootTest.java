package io.backstop.jdbc;

import com.zaxxer.hikari.HikariDataSource;
import io.backstop.api.error.ApprovalRequiredException;
import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.transaction.support.TransactionTemplate;

import javax.sql.DataSource;

import java.nio.file.Path;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** The README's swap of the URL in a Spring Boot application, with the pool that Spring Boot brings. */
@ExtendWith(PostgresExtension.class)
class SpringBootTest {
    @TempDir
    private static Path folder;

    @SpringBootConfiguration
    @EnableAutoConfiguration
    static class Application {}

    private static ConfigurableApplicationContext start(TestDatabase database) {
        SpringApplication application = new SpringApplication(Application.class);
        application.setWebApplicationType(WebApplicationType.NONE);
        application.setDefaultProperties(Map.of(
                "spring.main.banner-mode", "off",
                "spring.datasource.url", database.backstopUrl("backstop.control=" + folder.resolve("backstop.db")),
                "spring.datasource.driver-class-name", "io.backstop.jdbc.BackstopDriver",
                "spring.datasource.hikari.maximum-pool-size", "1"));
        return application.run();
    }

    @Test
    void an_application_works_as_before_and_cannot_drop_its_tables(TestDatabase database) throws SQLException {
        database.run("CREATE TABLE users (id serial PRIMARY KEY, name text)");
        try (ConfigurableApplicationContext context = start(database)) {
            JdbcTemplate jdbc = context.getBean(JdbcTemplate.class);
            assertThat(context.getBean(DataSource.class)).isInstanceOf(HikariDataSource.class);
            assertThat(jdbc.update("INSERT INTO users (name) VALUES (?)", "Ada"))
                    .isEqualTo(1);
            assertThat(jdbc.batchUpdate(
                            "INSERT INTO users (name) VALUES (?)", List.of(new Object[] {"Bob"}, new Object[] {"Cy"})))
                    .containsExactly(1, 1);
            assertThat(jdbc.queryForList("SELECT name FROM users ORDER BY id", String.class))
                    .containsExactly("Ada", "Bob", "Cy");

            context.getBean(TransactionTemplate.class).executeWithoutResult(status -> {
                jdbc.update("UPDATE users SET name = ? WHERE id = ?", "Eve", 1);
                status.setRollbackOnly();
            });
            assertThat(jdbc.queryForObject("SELECT name FROM users WHERE id = 1", String.class))
                    .isEqualTo("Ada");

            assertThatThrownBy(() -> jdbc.execute("GRANT SELECT ON users TO PUBLIC"))
                    .hasRootCauseInstanceOf(ApprovalRequiredException.class);
            assertThatThrownBy(() -> jdbc.execute("DROP TABLE users"))
                    .as("no storage is configured here")
                    .hasRootCauseInstanceOf(RecoveryNotReadyException.class);
            assertThat(jdbc.queryForObject("SELECT count(*) FROM users", Long.class))
                    .isEqualTo(3);
        }
    }
}
