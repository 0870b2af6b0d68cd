package io.backstop.cli.output;

import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Help.Ansi;

/** A progress bar on standard error where that is a terminal; nothing at all in a pipe. For one thread. */
public final class TerminalProgressBar implements AutoCloseable {
    private final String unit;
    private final long unitSize;
    private final boolean terminal;
    private @Nullable ProgressBar bar;
    private String task = "";

    private TerminalProgressBar(String unit, long unitSize) {
        this.unit = unit;
        this.unitSize = unitSize;
        // Where picocli finds a terminal that understands it.
        this.terminal = Ansi.AUTO.enabled();
    }

    public static TerminalProgressBar ofRows() {
        return new TerminalProgressBar(" rows", 1);
    }

    static TerminalProgressBar ofBytes() {
        return new TerminalProgressBar(" MB", 1_000_000);
    }

    /**
     * @param subject what it is about, for a terminal
     * @param total what is expected; where more is done than that, the bar is full and counts on
     */
    public void show(String subject, long done, long total) {
        if (!terminal) {
            return;
        }
        ProgressBar current = bar;
        String name = PrintableText.line(subject);
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
