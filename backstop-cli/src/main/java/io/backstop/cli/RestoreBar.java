package io.backstop.cli;

import io.backstop.api.analysis.RelationName;
import io.backstop.recovery.RestoreProgress;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Help.Ansi;

/** A progress bar on standard error while rows are loaded; nothing at all in a pipe. */
final class RestoreBar implements RestoreProgress, AutoCloseable {
    private final boolean terminal;
    private @Nullable ProgressBar bar;

    private RestoreBar(boolean terminal) {
        this.terminal = terminal;
    }

    /** Draws only where picocli finds a terminal that understands it. */
    static RestoreBar onTerminal() {
        return new RestoreBar(Ansi.AUTO.enabled());
    }

    @Override
    public void reached(Step step, RelationName target, long rows, long total) {
        if (terminal && step == Step.LOADING) {
            ProgressBar current = bar;
            if (current == null) {
                current = new ProgressBarBuilder()
                        .setTaskName(target.toString())
                        .setInitialMax(total)
                        .setUnit(" rows", 1)
                        .build();
                bar = current;
            }
            current.stepTo(rows);
        } else if (step == Step.LOADED) {
            close();
        }
    }

    @Override
    public void close() {
        ProgressBar current = bar;
        bar = null;
        if (current != null) {
            current.close();
        }
    }
}
