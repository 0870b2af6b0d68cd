package io.backstop.story;

import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.jdbc.Backstop;
import org.junit.jupiter.api.Test;

import java.sql.Connection;
import java.sql.Statement;
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;

/** A transaction that is decided later, by another session, has its snapshots all the same. */
class PreparedTransactionTest extends GuardedStory {
    @Test
    void what_a_prepared_transaction_destroyed_is_in_a_snapshot_when_another_commits_it() throws Exception {
        try (Backstop backstop = backstop("");
                Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.execute("TRUNCATE t");
            statement.execute("PREPARE TRANSACTION 'decided later'");
            connection.rollback(); // of the next one, in which nothing was done
        }
        database.run("COMMIT PREPARED 'decided later'");
        assertThat(database.value("SELECT count(*) FROM t")).isEqualTo("0");
        List<SnapshotManifest> kept = archive.list("public", "t");
        assertThat(kept)
                .singleElement()
                .satisfies(manifest -> assertThat(manifest.rowCount()).isEqualTo(1000));
        archive.verify(kept.get(0));
    }
}
