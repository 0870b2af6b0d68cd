package io.backstop.recovery.internal.restore;

import io.backstop.api.analysis.RelationName;
import io.backstop.recovery.model.RestoreProgress;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.concurrent.TimeUnit;

/**
 * Writes to the log, at level DEBUG, how long each step took, and passes all on. Belongs to one restore; called by one thread
 * at a time.
 */
public final class LoggedRestoreProgress implements RestoreProgress {
    private static final Logger LOG = LoggerFactory.getLogger(LoggedRestoreProgress.class);

    private final RestoreProgress progress;
    private long since = System.nanoTime();

    private LoggedRestoreProgress(RestoreProgress progress) {
        this.progress = progress;
    }

    /** The same progress, logged where the log wants it. */
    public static RestoreProgress of(RestoreProgress progress) {
        return LOG.isDebugEnabled() ? new LoggedRestoreProgress(progress) : progress;
    }

    @Override
    public void reached(Step step, RelationName target, long rows, long total) {
        if (step != Step.LOADING) { // comes with each chunk; what it took is in the time of LOADED
            long now = System.nanoTime();
            LOG.debug("{} {} after {} ms", target, step, TimeUnit.NANOSECONDS.toMillis(now - since));
            since = now;
        }
        progress.reached(step, target, rows, total);
    }
}
