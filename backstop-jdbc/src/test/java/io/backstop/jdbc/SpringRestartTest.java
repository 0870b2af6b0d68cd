package io.backstop.jdbc;

import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.core.env.Environment;
import org.springframework.jdbc.core.JdbcTemplate;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;

/** A Spring context that is closed, or restarted, leaves no thread, no open file and no connection behind. */
@Timeout(120)
@ExtendWith(PostgresExtension.class)
class SpringRestartTest {
    @TempDir
    private static Path folder;

    @SpringBootConfiguration
    @EnableAutoConfiguration
    static class Pooled {}

    @SpringBootConfiguration
    @EnableAutoConfiguration
    static class OwnDataSource {
        @Bean
        BackstopDataSource dataSource(Environment environment) {
            return new BackstopDataSource(environment.getRequiredProperty("spring.datasource.url"));
        }
    }

    private void runOnce(Class<?> application, TestDatabase database) {
        SpringApplication spring = new SpringApplication(application);
        spring.setWebApplicationType(WebApplicationType.NONE);
        spring.setRegisterShutdownHook(false);
        spring.setDefaultProperties(Map.of(
                "spring.main.banner-mode", "off",
                "spring.datasource.url", database.backstopUrl("backstop.control=" + folder.resolve("backstop.db")),
                "spring.datasource.driver-class-name", "io.backstop.jdbc.BackstopDriver"));
        try (ConfigurableApplicationContext context = spring.run()) {
            JdbcTemplate jdbc = context.getBean(JdbcTemplate.class);
            assertThat(jdbc.update("INSERT INTO visits VALUES (1)")).isEqualTo(1);
            assertThat(guardThreads()).isNotEmpty();
            assertThat(openStoreFiles()).isNotEmpty();
        }
    }

    /** Those of guards that other tests have left are none of these. */
    private final Set<Thread> before = Thread.getAllStackTraces().keySet();

    private Set<String> guardThreads() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.isAlive() && !before.contains(thread))
                .map(Thread::getName)
                .filter(name -> name.startsWith("backstop-"))
                .collect(Collectors.toSet());
    }

    /** As the operating system lists them. */
    private static List<Path> openStoreFiles() {
        try (Stream<Path> descriptors = Files.list(Path.of("/proc/self/fd"))) {
            return descriptors
                    .flatMap(SpringRestartTest::target)
                    .filter(file -> file.startsWith(folder))
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Stream<Path> target(Path descriptor) {
        try {
            return Stream.of(Files.readSymbolicLink(descriptor));
        } catch (IOException e) {
            return Stream.empty(); // closed by now: the listing's own
        }
    }

    private static String connections(TestDatabase database) throws SQLException {
        return database.value("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                + " AND pid <> pg_backend_pid() AND query LIKE '%visits%'");
    }

    @Test
    void a_context_with_a_data_source_of_backstop_leaves_nothing(TestDatabase database) throws SQLException {
        database.run("CREATE TABLE IF NOT EXISTS visits (id int)");
        for (int i = 0; i < 3; i++) {
            runOnce(OwnDataSource.class, database);
            assertThat(guardThreads()).isEmpty();
            assertThat(openStoreFiles()).isEmpty();
        }
        assertThat(connections(database)).isEqualTo("0");
    }

    @Test
    void contexts_with_a_pool_over_the_driver_share_the_guard_and_leave_nothing(TestDatabase database)
            throws SQLException {
        database.run("CREATE TABLE IF NOT EXISTS visits (id int)");
        for (int i = 0; i < 3; i++) {
            runOnce(Pooled.class, database);
        }
        // The driver keeps an unused guard for two seconds; the guard's threads end with it.
        while (!guardThreads().isEmpty() || !openStoreFiles().isEmpty()) {
            Thread.onSpinWait();
        }
        assertThat(connections(database)).isEqualTo("0");
    }
}
