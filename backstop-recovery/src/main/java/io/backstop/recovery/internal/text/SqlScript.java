package io.backstop.recovery.internal.text;

/** An SQL script for people to read and for a server to run, written from top to bottom. Not thread-safe. */
public final class SqlScript {
    private final StringBuilder text = new StringBuilder();

    /** Explains what follows. */
    public SqlScript note(String words) {
        text.append(SqlFragments.comment(words));
        return this;
    }

    /** Begins a part, with a line of space before it. */
    public SqlScript part(String words) {
        text.append('\n');
        return note(words);
    }

    /** A statement that runs. */
    public SqlScript run(String sql) {
        text.append(sql).append(";\n");
        return this;
    }

    /** A statement that only runs once somebody has taken the comment marks away. */
    public SqlScript commentOut(String sql) {
        return note(sql + ";");
    }

    public SqlScript append(SqlScript other) {
        text.append(other.text);
        return this;
    }

    public boolean isEmpty() {
        return text.isEmpty();
    }

    @Override
    public String toString() {
        return text.toString();
    }
}
