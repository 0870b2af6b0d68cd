package io.backstop.jdbc.internal.pipeline.session;

import io.backstop.jdbc.internal.pipeline.statement.ServerCall;
import org.jspecify.annotations.Nullable;
import org.postgresql.jdbc.AutoSave;
import org.postgresql.jdbc.PgConnection;

import java.sql.SQLException;

/**
 * The savepoints that pgjdbc sets before statements where it is told to (autosave). They are for the caller's statements: set
 * around one of Backstop's own, and released behind it (cleanupSavepoints), one would take the savepoints with it that
 * Backstop has just set. Used within the session's turn.
 */
final class DriverSavepoints {
    private final PgConnection postgres;

    DriverSavepoints(PgConnection postgres) {
        this.postgres = postgres;
    }

    /** Has pgjdbc set none from here on, until {@link #resume}; answers what it was told before. */
    AutoSave suspend() {
        AutoSave before = postgres.getAutosave();
        postgres.setAutosave(AutoSave.NEVER);
        return before;
    }

    void resume(AutoSave before) {
        postgres.setAutosave(before);
    }

    <T extends @Nullable Object> T without(ServerCall<T> call) throws SQLException {
        return with(AutoSave.NEVER, call);
    }

    /** Sends something while pgjdbc is told otherwise. */
    <T extends @Nullable Object> T with(AutoSave mode, ServerCall<T> call) throws SQLException {
        AutoSave before = postgres.getAutosave();
        postgres.setAutosave(mode);
        try {
            return call.run();
        } finally {
            postgres.setAutosave(before);
        }
    }
}
