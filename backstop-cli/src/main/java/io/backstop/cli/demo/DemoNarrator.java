package io.backstop.cli.demo;

import java.io.PrintWriter;
import java.time.Duration;
import java.time.Instant;

/** Tells the demo step by step: numbered headings, and what was seen under each. */
final class DemoNarrator {
    private final PrintWriter out;
    private final Instant begin = Instant.now();
    private int step;

    DemoNarrator(PrintWriter out) {
        this.out = out;
    }

    void step(String heading) {
        step++;
        out.printf("%n%2d. %s%n", step, heading);
        out.flush();
    }

    void seen(String fact) {
        fact.lines().forEach(line -> out.println("    " + line));
        out.flush();
    }

    /** Ends the demo where a thing that has to hold does not. */
    void expect(boolean holds, String expectation) {
        if (!holds) {
            throw new DemoFailure("this did not hold: " + expectation);
        }
    }

    void end(String line) {
        out.printf("%n%s%n", line);
        out.flush();
    }

    /** Since the beginning, in seconds with one decimal. */
    String elapsed() {
        return String.format(
                java.util.Locale.ROOT,
                "%.1f s",
                Duration.between(begin, Instant.now()).toMillis() / 1000.0);
    }

    /** A step of the demo that does not hold. */
    static final class DemoFailure extends RuntimeException {
        private static final long serialVersionUID = 1L;

        DemoFailure(String message) {
            super(message);
        }
    }
}
