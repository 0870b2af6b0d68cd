package io.backstop.recovery;

import io.backstop.api.analysis.RelationName;
import io.backstop.recovery.model.RestoreProgress.Step;
import io.backstop.recovery.model.RowVerification;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.store.ObjectStore;
import io.backstop.snapshot.store.ObjectStores;

import java.sql.Connection;
import java.sql.DriverManager;
import java.util.Optional;

/** The program that the kill test forks: restores over two connections, and dies when it has come to the given step. */
final class RestoreKillSite {
    /** How it ends when it dies at its step: as if killed with SIGKILL. */
    static final int KILLED = 137;

    private RestoreKillSite() {}

    /** Arguments: pgjdbc URL, storage, snapshot, step to die at. */
    public static void main(String[] arguments) throws Exception {
        Step last = Step.valueOf(arguments[3]);
        try (ObjectStore store = ObjectStores.open(arguments[1]);
                Connection connection = DriverManager.getConnection(arguments[0])) {
            SnapshotArchive archive = new SnapshotArchive(store);
            new Restore(
                            archive,
                            () -> Optional.of(DriverManager.getConnection(arguments[0])),
                            RowVerification.EVERY_ROW,
                            0)
                    .restore(
                            connection,
                            archive.find(arguments[2]),
                            RelationName.of("copy"),
                            (step, target, rows, total) -> {
                                if (step == last) {
                                    Runtime.getRuntime().halt(KILLED); // no shutdown hooks, no finally blocks
                                }
                            });
        }
    }
}
