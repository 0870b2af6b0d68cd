package io.backstop.jdbc.control;

import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.approval.Approval;
import io.backstop.api.approval.ApprovalState;
import io.backstop.api.error.ControlStoreUnavailableException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** A store of an earlier version is brought to today's tables and loses nothing; one of a later version is refused. */
class MigrationTest {
    private static final Clock CLOCK = Clock.fixed(Instant.parse("2026-11-02T10:00:00Z"), ZoneOffset.UTC);

    @TempDir
    private Path folder;

    private Path file;

    @BeforeEach
    void name() {
        file = folder.resolve("backstop.db");
    }

    private Connection plain() throws SQLException {
        return DriverManager.getConnection("jdbc:sqlite:" + file);
    }

    /** As the version before migrations were numbered wrote it. */
    private void storeFromBefore() throws IOException, SQLException {
        String sql;
        try (InputStream dump =
                Objects.requireNonNull(MigrationTest.class.getResourceAsStream("/control-before-migrations.sql"))) {
            sql = new String(dump.readAllBytes(), StandardCharsets.UTF_8);
        }
        try (Connection connection = plain();
                Statement statement = connection.createStatement()) {
            statement.executeUpdate(sql);
        }
    }

    private List<String> versions() throws SQLException {
        List<String> versions = new ArrayList<>();
        try (Connection connection = plain();
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("SELECT number FROM schema_migrations ORDER BY number")) {
            while (rows.next()) {
                versions.add(rows.getString(1));
            }
        }
        return versions;
    }

    @Test
    void a_store_from_before_keeps_all_that_it_holds() throws Exception {
        storeFromBefore();
        try (SqlControlStore store = SqlControlStore.sqlite(file, CLOCK)) {
            assertThat(store.approvals().list(ApprovalState.PENDING))
                    .extracting(Approval::id)
                    .containsExactly("appr_c84485c20a3e9329");
            Approval approved = store.approvals().find("appr_013a101c0651e2bc").orElseThrow();
            assertThat(approved.state()).isEqualTo(ApprovalState.APPROVED);
            assertThat(approved.request().sql()).isEqualTo("DROP TABLE users");
            assertThat(approved.decidedBy()).contains("ops");
            assertThat(store.approvals().consume(approved.id(), approved.request()))
                    .isTrue();
            assertThat(store.pause().current().orElseThrow().reason()).isEqualTo("a bad day");
            assertThat(store.quarantine().until("bad-agent")).isPresent();
            assertThat(store.heartbeats().latest()).contains(Instant.parse("2026-11-01T10:00:00Z"));
            assertThat(store.audit().newest(10))
                    .extracting(event ->
                            event.event().operation() + " " + event.event().risk())
                    .containsExactly(
                            "PAUSE " + RiskLevel.SAFE, "SELECT " + RiskLevel.SAFE, "APPROVE " + RiskLevel.SAFE);
            assertThat(store.audit().firstBroken()).isEmpty();
            store.pause().resume("ops");
            assertThat(store.audit().firstBroken()).isEmpty();
        }
        assertThat(versions()).containsExactly("1", "2", "3", "4", "5", "6", "7", "8");
    }

    @Test
    void a_new_store_and_one_that_is_opened_again_have_seen_every_step_once() throws Exception {
        SqlControlStore.sqlite(file, CLOCK).close();
        SqlControlStore.sqlite(file, CLOCK).close();
        assertThat(versions()).containsExactly("1", "2", "3", "4", "5", "6", "7", "8");
    }

    @Test
    void several_that_open_a_store_from_before_at_once_migrate_it_once() throws Exception {
        storeFromBefore();
        int openers = 8;
        CyclicBarrier together = new CyclicBarrier(openers);
        ExecutorService threads = Executors.newFixedThreadPool(openers);
        try {
            List<Future<Boolean>> opened = new ArrayList<>();
            for (int i = 0; i < openers; i++) {
                opened.add(threads.submit(() -> {
                    together.await();
                    try (SqlControlStore store = SqlControlStore.sqlite(file, CLOCK)) {
                        return store.audit().firstBroken().isEmpty();
                    }
                }));
            }
            for (Future<Boolean> each : opened) {
                assertThat(each.get()).isTrue();
            }
        } finally {
            threads.shutdownNow();
        }
        assertThat(versions()).containsExactly("1", "2", "3", "4", "5", "6", "7", "8");
    }

    @Test
    void a_store_of_a_later_version_is_refused_and_left_alone() throws Exception {
        SqlControlStore.sqlite(file, CLOCK).close();
        try (Connection connection = plain();
                Statement statement = connection.createStatement()) {
            statement.executeUpdate("INSERT INTO schema_migrations (number) VALUES (9)");
        }
        assertThatThrownBy(() -> SqlControlStore.sqlite(file, CLOCK))
                .isInstanceOf(ControlStoreUnavailableException.class)
                .hasMessage("the control store " + file + " has version 9, and this Backstop knows versions up to 8\n"
                        + "HINT: use the newer Backstop in every process that shares the control store");
        assertThat(versions()).containsExactly("1", "2", "3", "4", "5", "6", "7", "8", "9");
    }

    @Test
    void a_closed_store_stays_closed() throws Exception {
        SqlControlStore store = SqlControlStore.sqlite(file, CLOCK);
        store.close();
        store.close();
        assertThatThrownBy(() -> store.pause().current())
                .isInstanceOf(ControlStoreUnavailableException.class)
                .hasMessageStartingWith("the control store is closed: " + file);
        assertThatThrownBy(() -> store.heartbeats().beat("sidecar", "db:5432/shop", Optional.empty(), Set.of()))
                .isInstanceOf(ControlStoreUnavailableException.class);
    }

    @Test
    void a_step_that_fails_leaves_the_store_as_it_was() throws Exception {
        try (Connection connection = plain();
                Statement statement = connection.createStatement()) {
            statement.executeUpdate("CREATE VIEW snapshots_by_time AS SELECT 1"); // the step's last statement meets it
        }
        assertThatThrownBy(() -> SqlControlStore.sqlite(file, CLOCK))
                .isInstanceOf(ControlStoreUnavailableException.class);
        try (Connection connection = plain();
                Statement statement = connection.createStatement();
                ResultSet tables = statement.executeQuery("SELECT count(*) FROM sqlite_master WHERE type = 'table'")) {
            tables.next();
            assertThat(tables.getInt(1)).isZero();
        }
    }
}
