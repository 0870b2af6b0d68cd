package io.backstop.jdbc.internal.pipeline.lookup;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.StatementAssessment;
import io.backstop.jdbc.internal.analysis.command.StatementReader;
import io.backstop.jdbc.internal.analysis.detail.PreparedStatementName;
import io.backstop.jdbc.internal.analysis.detail.PreparedStatementName.Prepared;
import io.backstop.jdbc.internal.analysis.rule.Rule;
import io.backstop.jdbc.internal.analysis.scan.Lexer;
import io.backstop.jdbc.internal.analysis.scan.StatementSplitter;
import io.backstop.jdbc.internal.analysis.scan.TokenList;
import io.backstop.jdbc.internal.analysis.scan.TokenSpan;
import io.backstop.jdbc.internal.pipeline.session.GuardedSession;
import io.backstop.jdbc.internal.pipeline.statement.AssessedText;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Finds out what the EXECUTEs of a text run: what the server says was prepared under the name, or what the text itself
 * prepares before. An EXECUTE of which that is not certain stays as it is. Belongs to one text; not thread-safe.
 */
final class ExecutedStatements {
    private final GuardedSession session;
    private final AssessedText text;
    private final TokenList tokens;
    private final List<TokenSpan> spans;
    private final StringBuilder sources;

    ExecutedStatements(GuardedSession session, AssessedText text) {
        this.session = session;
        this.text = text;
        this.tokens = Lexer.scan(text.sql(), text.standardConformingStrings());
        this.spans = StatementSplitter.split(tokens);
        this.sources = new StringBuilder(text.sql());
    }

    /** The text with what it executes beside it. */
    AssessedText resolved() throws SQLException {
        List<StatementAssessment> statements = text.assessment().statements();
        if (spans.size() != statements.size() || session.inFailedTransaction()) {
            return text; // it is read in two ways, or does not run
        }
        List<StatementAssessment> resolved = new ArrayList<>();
        boolean certain = true;
        for (int i = 0; i < spans.size(); i++) {
            StatementAssessment statement = statements.get(i);
            if (!SessionLookup.fires(statement, Rule.EXECUTE_PREPARED)) {
                // Anything else could prepare another statement under the name, or deallocate it.
                certain &= statement.tag() == CommandTag.PREPARE;
                resolved.add(statement);
                continue;
            }
            List<StatementAssessment> executed = certain ? executed(i) : List.of();
            resolved.addAll(executed.isEmpty() ? List.of(statement) : acting(statement, executed));
            certain = false;
        }
        return new AssessedText(
                sources.toString(), Assessment.of(resolved), text.standardConformingStrings(), text.types());
    }

    /** An EXECUTE is what it runs; a command around it stays, and what it runs stands beside it. */
    private static List<StatementAssessment> acting(StatementAssessment statement, List<StatementAssessment> executed) {
        StatementAssessment itself = statement.without(Rule.EXECUTE_PREPARED.id());
        List<StatementAssessment> acting = new ArrayList<>();
        if (statement.tag() != CommandTag.EXECUTE) {
            acting.add(itself);
            acting.addAll(executed);
            return acting;
        }
        for (StatementAssessment query : executed) {
            StatementAssessment both = new StatementAssessment(
                    query.tag(),
                    union(List.of(CommandTag.EXECUTE), query.inner()),
                    itself.risk().worse(query.risk()),
                    query.recognised(),
                    query.targets(),
                    union(itself.reads(), query.reads()),
                    query.columnsWritten(),
                    Set.copyOf(union(itself.functions(), query.functions())),
                    union(query.findings(), itself.findings()),
                    union(query.destructions(), itself.destructions()),
                    itself.needsWriteTransaction() || query.needsWriteTransaction());
            acting.add(both.mentioning(itself.mentions().and(query.mentions())));
        }
        return acting;
    }

    private static <T> List<T> union(Collection<T> some, Collection<T> others) {
        return Stream.concat(some.stream(), others.stream()).distinct().toList();
    }

    /** Everything that may be prepared under the name when the statement runs; empty where something else may be. */
    private List<StatementAssessment> executed(int statement) throws SQLException {
        Optional<String> name = PreparedStatementName.executed(tokens, spans.get(statement));
        if (name.isEmpty()) {
            return List.of();
        }
        List<StatementAssessment> executed = new ArrayList<>();
        for (TokenSpan before : spans.subList(0, statement)) {
            Optional<Prepared> prepared = PreparedStatementName.prepared(tokens, before)
                    .filter(candidate -> candidate.name().equals(name.get()));
            if (prepared.isPresent()) {
                executed.add(
                        StatementReader.read(tokens, prepared.get().query()).assessment());
            }
        }
        List<String> source = session.rowOfBackend(
                "SELECT pg_catalog.pg_backend_pid(), (SELECT statement FROM pg_catalog.pg_prepared_statements"
                        + " WHERE name OPERATOR(pg_catalog.=) ?)",
                name.get());
        if (source.isEmpty()) {
            return List.of(); // another server process may run it
        }
        if (source.get(0) != null) {
            List<StatementAssessment> known = read(source.get(0), name.get());
            if (known.isEmpty()) {
                return List.of();
            }
            executed.addAll(known);
            sources.append(";\n").append(source.get(0));
        }
        return executed;
    }

    /**
     * The query in a PREPARE that the server keeps, read under both settings, since it is not known which one was in force;
     * empty where it is not that alone.
     */
    private static List<StatementAssessment> read(String source, String name) {
        List<StatementAssessment> readings = new ArrayList<>();
        for (boolean standardStrings : new boolean[] {true, false}) {
            TokenList tokens = Lexer.scan(source, standardStrings);
            List<TokenSpan> spans = StatementSplitter.split(tokens);
            Optional<Prepared> prepared =
                    spans.size() == 1 ? PreparedStatementName.prepared(tokens, spans.get(0)) : Optional.empty();
            if (prepared.isEmpty() || !prepared.get().name().equals(name)) {
                return List.of();
            }
            StatementAssessment query =
                    StatementReader.read(tokens, prepared.get().query()).assessment();
            if (!readings.contains(query)) {
                readings.add(query);
            }
        }
        return readings;
    }
}
