package io.backstop.cli;

import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Help.Ansi;

/** A progress bar on standard error where that is a terminal; nothing at all in a pipe. For one thread. */
final class TerminalBar implements AutoCloseable {
    private final String unit;
    private final long unitSize;
    private final boolean terminal;
    private @Nullable ProgressBar bar;
    private String task = "";

    private TerminalBar(String unit, long unitSize) {
        this.unit = unit;
        this.unitSize = unitSize;
        // Where picocli finds a terminal that understands it.
        this.terminal = Ansi.AUTO.enabled();
    }

    static TerminalBar ofRows() {
        return new TerminalBar(" rows", 1);
    }

    static TerminalBar ofBytes() {
        return new TerminalBar(" MB", 1_000_000);
    }

    /**
     * @param subject what it is about, for a terminal
     * @param total what is expected; where more is done than that, the bar is full and counts on
     */
    void show(String subject, long done, long total) {
        if (!terminal) {
            return;
        }
        ProgressBar current = bar;
        String name = Printable.line(subject);
        if (current == null || !task.equals(name)) {
            close();
            current = new ProgressBarBuilder()
                    .setTaskName(name)
                    .setInitialMax(total)
                    .setUnit(unit, unitSize)
                    .build();
            bar = current;
            task = name;
        }
        current.maxHint(Math.max(total, done));
        current.stepTo(done);
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
