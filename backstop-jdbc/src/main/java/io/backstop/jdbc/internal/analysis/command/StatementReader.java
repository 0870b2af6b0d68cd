package io.backstop.jdbc.internal.analysis.command;

import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.StatementAssessment;
import io.backstop.jdbc.internal.analysis.grammar.NotUnderstoodException;
import io.backstop.jdbc.internal.analysis.grammar.StatementFacts;
import io.backstop.jdbc.internal.analysis.grammar.StatementReading;
import io.backstop.jdbc.internal.analysis.grammar.TokenCursor;
import io.backstop.jdbc.internal.analysis.query.BuiltInCalls;
import io.backstop.jdbc.internal.analysis.query.NestedStatements;
import io.backstop.jdbc.internal.analysis.query.WriteTransactionNeeds;
import io.backstop.jdbc.internal.analysis.rule.EvaluatingCommands;
import io.backstop.jdbc.internal.analysis.scan.NameCollector;
import io.backstop.jdbc.internal.analysis.scan.TokenKind;
import io.backstop.jdbc.internal.analysis.scan.TokenList;
import io.backstop.jdbc.internal.analysis.scan.TokenSpan;

/** Reads one statement whole. Stateless, thread-safe. */
public final class StatementReader {
    /** The reason given where the analysis itself is at fault. */
    public static final String FAILED = "the analysis failed on it";

    private static final CommandTable COMMANDS = new CommandTable();

    private StatementReader() {}

    /**
     * What was found.
     *
     * @param assessment the statement's assessment
     * @param literalsMatter whether it depends on the value of a literal
     */
    public record Result(StatementAssessment assessment, boolean literalsMatter) {}

    /** An answer for every stretch of tokens: what is not understood is UNRECOGNISED. */
    public static Result read(TokenList tokens, TokenSpan statement) {
        StatementReading reading = new StatementReading(tokens);
        try {
            requireWhole(tokens, statement);
            CommandTag tag = NestedStatements.readAll(COMMANDS, new TokenCursor(tokens, statement), reading);
            if (WriteTransactionNeeds.in(tokens, statement)) {
                reading.facts().needsWriteTransaction();
            }
            if (EvaluatingCommands.rebuilds(tag)) {
                BuiltInCalls.everywhere(reading, statement);
            }
            StatementAssessment assessment =
                    reading.facts().assessment(tag).mentioning(NameCollector.collect(tokens, statement));
            return new Result(assessment, reading.literalsMatter());
        } catch (NotUnderstoodException e) {
            return new Result(StatementFacts.notUnderstood(String.valueOf(e.getMessage())), reading.literalsMatter());
        } catch (RuntimeException e) {
            // A defect in a reader must not become a way around it.
            return new Result(StatementFacts.notUnderstood(FAILED), true);
        }
    }

    /** The answer for text that is not even worth splitting. */
    public static StatementAssessment unreadable(String reason) {
        return StatementFacts.notUnderstood(reason);
    }

    private static void requireWhole(TokenList tokens, TokenSpan statement) {
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
