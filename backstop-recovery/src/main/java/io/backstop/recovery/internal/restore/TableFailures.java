package io.backstop.recovery.internal.restore;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.recovery.internal.sql.ServerErrors;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.snapshot.archive.CorruptSnapshotException;
import io.backstop.snapshot.key.KeyException;
import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.sql.SQLException;

/** Tells of which table among several a failure is, where it is of one and would not be of all of them. Stateless. */
public final class TableFailures {
    private TableFailures() {}

    /** Does a part of the work; what fails names the table, unless the storage or the connection failed. */
    public static <T> T named(SnapshotManifest manifest, RelationName target, Part<T> part) throws RecoveryException {
        try {
            return part.done();
        } catch (RecoveryException e) {
            throw isOfTheStorage(e.getCause()) || ServerErrors.wouldBeOfAll(e.getCause()) ? e : e.of(manifest);
        } catch (SQLException e) {
            RecoveryException failed = ServerErrors.of("the restore of " + target + " failed", e);
            throw ServerErrors.wouldBeOfAll(e) ? failed : failed.of(manifest);
        }
    }

    /** The same for a step without a result. */
    static void named(SnapshotManifest manifest, RelationName target, Step step) throws RecoveryException {
        Part<Boolean> part = () -> {
            step.run();
            return true;
        };
        named(manifest, target, part);
    }

    /** What cannot be read now may be whole. */
    private static boolean isOfTheStorage(@Nullable Throwable cause) {
        return cause instanceof IOException
                && !(cause instanceof CorruptSnapshotException)
                && !(cause instanceof KeyException);
    }

    /** Something that is done of one table. */
    @FunctionalInterface
    public interface Part<T> {
        T done() throws SQLException, RecoveryException;
    }

    /** The same without a result. */
    @FunctionalInterface
    interface Step {
        void run() throws SQLException, RecoveryException;
    }
}
