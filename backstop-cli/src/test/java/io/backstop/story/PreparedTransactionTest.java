package io.backstop.story;

import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.cli.CommandRun;
import io.backstop.jdbc.Backstop;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.postgresql.xa.PGXADataSource;

import javax.sql.XAConnection;
import javax.transaction.xa.XAResource;
import javax.transaction.xa.Xid;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** A transaction that is decided later, by another session, has its snapshots all the same, and no others. */
class PreparedTransactionTest extends GuardedStory {
    private static final String NAME = "decided later";

    @AfterEach
    void end() throws SQLException {
        for (String left : database.rows("SELECT gid FROM pg_prepared_xacts WHERE database = current_database()")) {
            database.run("ROLLBACK PREPARED '" + left + "'");
        }
    }

    /** A branch of a distributed transaction. */
    private record Branch() implements Xid {
        @Override
        public int getFormatId() {
            return 1;
        }

        @Override
        public byte[] getGlobalTransactionId() {
            return "shop".getBytes(StandardCharsets.US_ASCII);
        }

        @Override
        public byte[] getBranchQualifier() {
            return "orders".getBytes(StandardCharsets.US_ASCII);
        }
    }

    /** How a transaction is prepared. */
    enum Preparation {
        BY_STATEMENT {
            @Override
            void truncate(PreparedTransactionTest test, Backstop backstop) throws Exception {
                try (Connection connection = backstop.guard(test.database.connect());
                        Statement statement = connection.createStatement()) {
                    connection.setAutoCommit(false);
                    statement.execute("TRUNCATE t");
                    statement.execute("PREPARE TRANSACTION '" + NAME + "'");
                    connection.rollback(); // of the next one, in which nothing was done
                }
            }
        },
        BY_A_TRANSACTION_MANAGER_BELOW_THE_GUARD {
            @Override
            void truncate(PreparedTransactionTest test, Backstop backstop) throws Exception {
                PGXADataSource source = new PGXADataSource();
                source.setUrl(test.database.url());
                XAConnection distributed = source.getXAConnection();
                try {
                    XAResource resource = distributed.getXAResource();
                    resource.start(new Branch(), XAResource.TMNOFLAGS);
                    try (Connection connection = backstop.guard(distributed.getConnection());
                            Statement statement = connection.createStatement()) {
                        statement.execute("TRUNCATE t");
                    }
                    resource.end(new Branch(), XAResource.TMSUCCESS);
                    resource.prepare(new Branch());
                } finally {
                    distributed.close();
                }
            }
        };

        abstract void truncate(PreparedTransactionTest test, Backstop backstop) throws Exception;
    }

    private void decide(String how) throws SQLException {
        database.run(how + " PREPARED '"
                + database.value("SELECT gid FROM pg_prepared_xacts WHERE database = current_database()") + "'");
    }

    private void prune() {
        CommandRun prune = command(
                "snapshots",
                "prune",
                "--older-than",
                "0s",
                "--control",
                control().toString());
        assertThat(prune.exitCode()).as(prune.errors()).isZero();
    }

    private List<Long> storedRows() throws Exception {
        return archive.list("public", "t").stream()
                .map(SnapshotManifest::rowCount)
                .sorted()
                .toList();
    }

    /** A thousand rows that were lost, and ten new ones that the prepared transaction takes. */
    private void loseAndPrepare(Preparation preparation) throws Exception {
        try (Backstop backstop = backstop("")) {
            execute(backstop, "TRUNCATE t");
            database.run("INSERT INTO t SELECT i, 1, 'new' FROM generate_series(2001, 2010) i");
            preparation.truncate(this, backstop);
        }
        assertThat(storedRows()).containsExactly(10L, 1000L);
    }

    @ParameterizedTest
    @EnumSource
    void what_it_destroyed_is_in_a_snapshot_when_another_commits_it(Preparation preparation) throws Exception {
        loseAndPrepare(preparation);
        decide("COMMIT");
        assertThat(database.value("SELECT count(*) FROM t")).isEqualTo("0");
        prune();
        assertThat(storedRows()).as("its snapshot is the newest, and stays").containsExactly(10L);
        recoverAndCopyBack("t");
        assertThat(database.value("SELECT count(*) FROM t WHERE v = 'new'")).isEqualTo("10");
    }

    @ParameterizedTest
    @EnumSource
    void what_it_did_not_destroy_is_not_taken_for_lost_when_another_rolls_it_back(Preparation preparation)
            throws Exception {
        loseAndPrepare(preparation);
        decide("ROLLBACK");
        assertThat(database.value("SELECT count(*) FROM t")).isEqualTo("10");
        prune();
        assertThat(storedRows())
                .as("the snapshot of the loss is the newest that counts")
                .contains(1000L);
        recoverAndCopyBack("t");
        assertThat(database.value("SELECT count(*) FROM t")).isEqualTo("1010");
    }

    @ParameterizedTest
    @EnumSource
    void as_long_as_it_is_open_both_snapshots_stay(Preparation preparation) throws Exception {
        loseAndPrepare(preparation);
        prune();
        assertThat(storedRows()).containsExactly(10L, 1000L);
        CommandRun withoutDatabase = CommandRun.of(
                "snapshots",
                "prune",
                "--storage",
                storage(),
                "--control",
                control().toString(),
                "--older-than",
                "0s");
        assertThat(withoutDatabase.exitCode()).as(withoutDatabase.errors()).isZero();
        assertThat(storedRows()).containsExactly(10L, 1000L);
    }

    @Test
    void a_recent_snapshot_is_none_of_a_statement_that_was_rolled_back_later() throws Exception {
        try (Backstop backstop = backstop("")) {
            Preparation.BY_STATEMENT.truncate(this, backstop);
        }
        decide("ROLLBACK");
        database.run("UPDATE t SET k = 100");
        try (Backstop backstop = backstop("\"snapshot_mode\": \"recent\", \"require_sidecar_heartbeat\": false")) {
            assertThat(outcome(backstop, "TRUNCATE t")).startsWith("ZB007");
        }
        assertThat(database.value("SELECT count(*) FROM t")).isEqualTo("1000");
    }

    @Test
    void a_budget_keeps_what_a_prepared_transaction_changed() throws Exception {
        Path policy = Files.writeString(
                folder.resolve("budget.json"),
                "{\"require_approval_for_risks\": [\"CRITICAL\"], \"write_budget\": {\"rows\": 50, \"percent\": 100}}");
        try (Backstop backstop = under(policy.toString());
                Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.execute("DELETE FROM t WHERE id <= 40");
            statement.execute("PREPARE TRANSACTION '" + NAME + "'");
            connection.rollback();
            connection.setAutoCommit(true);
            statement.execute("COMMIT PREPARED '" + NAME + "'");
            assertThatThrownBy(() -> statement.execute("DELETE FROM t WHERE id BETWEEN 41 AND 80"))
                    .hasMessageContaining("would have changed 80 rows");
        }
        assertThat(database.value("SELECT count(*) FROM t")).isEqualTo("960");
    }

    @Test
    void a_guarded_connection_is_not_handed_out_as_one_that_prepares_around_the_guard() throws Exception {
        try (Backstop backstop = backstop("");
                Connection connection = backstop.guard(database.connect())) {
            assertThatThrownBy(() -> connection.unwrap(org.postgresql.core.BaseConnection.class))
                    .isInstanceOf(SQLException.class)
                    .hasMessageContaining("refused");
        }
    }
}
