package io.backstop.jdbc.internal.analysis.scan;

/** A stretch of tokens: from the index {@code from} up to, but not with, {@code to}. */
public record TokenSpan(int from, int to) {
    public boolean empty() {
        return from >= to;
    }
}
