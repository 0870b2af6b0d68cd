package io.backstop.snapshot.capture;

import io.backstop.api.snapshot.Progress;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.concurrent.TimeUnit;

/**
 * Writes to the log, at level DEBUG, how long each step took, and passes all on. Where a capture is slow, it is the step that
 * says why. Belongs to one capture; called by one thread at a time.
 */
final class LoggedProgress implements Progress {
    private static final Logger LOG = LoggerFactory.getLogger(LoggedProgress.class);

    private final Progress progress;
    private long since = System.nanoTime();

    private LoggedProgress(Progress progress) {
        this.progress = progress;
    }

    /** The same progress, logged where the log wants it. */
    static Progress of(Progress progress) {
        return LOG.isDebugEnabled() ? new LoggedProgress(progress) : progress;
    }

    @Override
    public void reached(Step step, String subject, long done, long total) {
        if (step != Step.COPYING) { // comes with each chunk; what it took is in the time of COPIED
            long now = System.nanoTime();
            LOG.debug("{} {} after {} ms", subject, step, TimeUnit.NANOSECONDS.toMillis(now - since));
            since = now;
        }
        progress.reached(step, subject, done, total);
    }
}
