package io.backstop.recovery;

/** An SQL script for people to read and for a server to run, written from top to bottom. Not thread-safe. */
final class Script {
    private final StringBuilder text = new StringBuilder();

    /** Explains what follows. */
    Script note(String words) {
        text.append(SqlText.comment(words));
        return this;
    }

    /** Begins a part, with a line of space before it. */
    Script part(String words) {
        text.append('\n');
        return note(words);
    }

    /** A statement that runs. */
    Script run(String sql) {
        text.append(sql).append(";\n");
        return this;
    }

    /** A statement that only runs once somebody has taken the comment marks away. */
    Script offer(String sql) {
        return note(sql + ";");
    }

    Script append(Script other) {
        text.append(other.text);
        return this;
    }

    boolean isEmpty() {
        return text.isEmpty();
    }

    @Override
    public String toString() {
        return text.toString();
    }
}
