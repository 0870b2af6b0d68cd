package io.backstop.cli.restore;

import io.backstop.api.analysis.RelationName;
import io.backstop.cli.output.TerminalProgressBar;
import io.backstop.recovery.model.RestoreProgress;

/** A progress bar on standard error while rows are loaded; nothing at all in a pipe. */
final class RestoreProgressBar implements RestoreProgress, AutoCloseable {
    private final TerminalProgressBar bar = TerminalProgressBar.ofRows();

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
