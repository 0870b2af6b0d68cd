package io.backstop.jdbc.analysis.read;

import io.backstop.api.analysis.StatementAssessment;
import io.backstop.jdbc.analysis.scan.Span;
import io.backstop.jdbc.analysis.scan.TokenKind;
import io.backstop.jdbc.analysis.scan.Tokens;

/** Reads one statement whole. Stateless, thread-safe. */
public final class StatementReader {
    /** The reason given where the analysis itself is at fault. */
    public static final String FAILED = "the analysis failed on it";

    private static final Commands COMMANDS = new Commands();

    private StatementReader() {}

    /**
     * What was found.
     *
     * @param assessment the statement's assessment
     * @param literalsMatter whether it depends on the value of a literal
     */
    public record Result(StatementAssessment assessment, boolean literalsMatter) {}

    /** An answer for every stretch of tokens: what is not understood is UNRECOGNISED. */
    public static Result read(Tokens tokens, Span statement) {
        Reading reading = new Reading(tokens);
        try {
            requireWhole(tokens, statement);
            String operation = Nested.readAll(COMMANDS, new Cursor(tokens, statement), reading);
            return new Result(reading.facts().assessment(operation), reading.literalsMatter());
        } catch (NotUnderstoodException e) {
            return new Result(Facts.notUnderstood(String.valueOf(e.getMessage())), reading.literalsMatter());
        } catch (RuntimeException e) {
            // A defect in a reader must not become a way around it.
            return new Result(Facts.notUnderstood(FAILED), true);
        }
    }

    /** The answer for text that is not even worth splitting. */
    public static StatementAssessment unreadable(String reason) {
        return Facts.notUnderstood(reason);
    }

    private static void requireWhole(Tokens tokens, Span statement) {
        for (int i = statement.from(); i < statement.to(); i++) {
            if (tokens.kind(i) == TokenKind.INVALID) {
                throw new NotUnderstoodException("it holds what is no token of PostgreSQL");
            }
            if ((tokens.symbol(i, '(') || tokens.symbol(i, ')')) && tokens.partner(i) < 0) {
                throw new NotUnderstoodException("its parentheses do not match");
            }
        }
    }
}
