package io.backstop.recovery.internal.text;

import java.util.ArrayList;
import java.util.List;

/** An SQL script for people to read and for a server to run, written from top to bottom. Not thread-safe. */
public final class SqlScript {
    /**
     * Makes a statement mean the same whatever the role, the database, the environment or psql's start-up file set: what a
     * constant is read as, what a value is written as, where an index is created (PostgreSQL documentation, 20.11).
     */
    private static final List<String> SETTINGS = List.of(
            "standard_conforming_strings = on",
            "row_security = off",
            "extra_float_digits = 3",
            "DateStyle = 'ISO, YMD'",
            "IntervalStyle = 'postgres'",
            "TimeZone = 'UTC'",
            "lc_monetary = 'C'",
            "bytea_output = 'hex'",
            "xmloption = 'content'",
            "array_nulls = on",
            "transform_null_equals = off",
            "default_tablespace = ''",
            "check_function_bodies = off",
            "statement_timeout = 0");

    /** Somebody may have made reading alone the default, to keep applications from writing; comes before any query. */
    public static final String READ_WRITE = "SET TRANSACTION READ WRITE";

    private final StringBuilder text = new StringBuilder();
    private final List<Step> steps = new ArrayList<>();

    /**
     * Begins the transaction in which all of it happens. Nothing but ASCII may precede this: psql reads what follows in UTF-8,
     * which an encoding of another session's would cut where no character ends.
     */
    public SqlScript begin() {
        text.append("BEGIN;\n");
        run(READ_WRITE);
        run("SET LOCAL client_encoding = 'UTF8'");
        return this;
    }

    /** Everything but the search path, for there are scripts whose names are looked up in that of their session. */
    public SqlScript settings() {
        SETTINGS.forEach(setting -> run("SET LOCAL " + setting));
        return this;
    }

    public SqlScript commit() {
        text.append("COMMIT;\n");
        return this;
    }

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
        return run(sql, sql);
    }

    /**
     * A statement whose effect stays when the transaction is rolled back.
     *
     * @param rehearsed what is run in its place to see whether it would work
     */
    public SqlScript run(String sql, String rehearsed) {
        text.append(PsqlText.safe(sql)).append(";\n");
        steps.add(new Step(sql, rehearsed));
        return this;
    }

    /** A statement that only runs once somebody has taken the comment marks away. */
    public SqlScript commentOut(String sql) {
        return note(PsqlText.safe(sql) + ";");
    }

    public SqlScript append(SqlScript other) {
        text.append(other.text);
        steps.addAll(other.steps);
        return this;
    }

    public boolean isEmpty() {
        return text.isEmpty();
    }

    /** What it runs within its transaction, in order. */
    public List<Step> steps() {
        return List.copyOf(steps);
    }

    @Override
    public String toString() {
        return text.toString();
    }

    /**
     * A statement of the script.
     *
     * @param sql as the script has it
     * @param rehearsed what shows whether it works, and leaves nothing behind once it is rolled back
     */
    public record Step(String sql, String rehearsed) {}
}
