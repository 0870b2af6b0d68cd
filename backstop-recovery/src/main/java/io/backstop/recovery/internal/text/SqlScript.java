package io.backstop.recovery.internal.text;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

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

    private final List<Piece> pieces = new ArrayList<>();
    private final List<Step> steps = new ArrayList<>();

    /**
     * Begins the transaction in which all of it happens. Nothing but ASCII may precede this: psql reads what follows in UTF-8,
     * which an encoding of another session's would cut where no character ends.
     */
    public SqlScript begin() {
        write("BEGIN;\n");
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
        write("COMMIT;\n");
        return this;
    }

    /** Explains what follows. */
    public SqlScript note(String words) {
        write(SqlFragments.comment(words));
        return this;
    }

    /** Begins a part, with a line of space before it. */
    public SqlScript part(String words) {
        write("\n");
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
        write(PsqlText.safe(sql) + ";\n");
        steps.add(new Step(sql, rehearsed, Optional.empty()));
        return this;
    }

    /**
     * Statements that the others can do without: where one of them is known to fail, they are only offered.
     *
     * @param words what they make
     */
    public SqlScript attempt(String words, List<String> statements) {
        Attempt attempt = new Attempt(words, statements);
        note(words);
        pieces.add(attempt);
        statements.forEach(sql -> steps.add(new Step(sql, sql, Optional.of(attempt))));
        return this;
    }

    private void write(String text) {
        pieces.add(new Text(text));
    }

    /** A statement that only runs once somebody has taken the comment marks away. */
    public SqlScript commentOut(String sql) {
        return note(PsqlText.safe(sql) + ";");
    }

    public SqlScript append(SqlScript other) {
        pieces.addAll(other.pieces);
        steps.addAll(other.steps);
        return this;
    }

    public boolean isEmpty() {
        return pieces.isEmpty();
    }

    /** What it runs within its transaction, in order. */
    public List<Step> steps() {
        return List.copyOf(steps);
    }

    @Override
    public String toString() {
        return without(Map.of());
    }

    /** The script with these attempts in comments, each behind the reason why it fails. */
    public String without(Map<Attempt, String> failing) {
        StringBuilder text = new StringBuilder();
        for (Piece piece : pieces) {
            if (piece instanceof Attempt attempt && failing.containsKey(attempt)) {
                text.append(SqlFragments.comment("it cannot be made now: " + failing.get(attempt)));
                attempt.statements().forEach(sql -> text.append(SqlFragments.comment(PsqlText.safe(sql) + ";")));
            } else {
                text.append(piece.text());
            }
        }
        return text.toString();
    }

    /** A part of the text. */
    private sealed interface Piece permits Text, Attempt {
        String text();
    }

    private record Text(String text) implements Piece {}

    /**
     * Statements that the others can do without.
     *
     * @param words what they make
     */
    public record Attempt(String words, List<String> statements) implements Piece {
        public Attempt {
            statements = List.copyOf(statements);
        }

        @Override
        public String text() {
            return statements.stream().map(sql -> PsqlText.safe(sql) + ";\n").collect(Collectors.joining());
        }
    }

    /**
     * A statement of the script.
     *
     * @param sql as the script has it
     * @param rehearsed what shows whether it works, and leaves nothing behind once it is rolled back
     * @param attempt what it belongs to, where the script can do without it
     */
    public record Step(String sql, String rehearsed, Optional<Attempt> attempt) {}
}
