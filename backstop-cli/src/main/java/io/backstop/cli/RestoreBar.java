package io.backstop.cli;

import io.backstop.api.analysis.RelationName;
import io.backstop.recovery.RestoreProgress;

/** A progress bar on standard error while rows are loaded; nothing at all in a pipe. */
final class RestoreBar implements RestoreProgress, AutoCloseable {
    private final TerminalBar bar = TerminalBar.ofRows();

    @Override
    public void reached(Step step, RelationName target, long rows, long total) {
        if (step == Step.LOADING) {
            bar.show(target.toString(), rows, total);
        } else if (step == Step.LOADED) {
            bar.close();
        }
    }

    @Override
    public void close() {
        bar.close();
    }
}
