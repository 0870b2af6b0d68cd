package io.backstop.jdbc.analysis;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.StatementAssessment;
import io.backstop.jdbc.analysis.read.StatementReader;
import io.backstop.jdbc.analysis.scan.Lexer;
import io.backstop.jdbc.analysis.scan.Span;
import io.backstop.jdbc.analysis.scan.Statements;
import io.backstop.jdbc.analysis.scan.Tokens;

import java.util.ArrayList;
import java.util.List;

/**
 * Says what a SQL text would do, before any of it runs. It answers for every text, in time linear in its length, and takes
 * what it cannot understand for the worst. Thread-safe.
 */
public final class SqlAnalyzer {
    private SqlAnalyzer() {}

    public static SqlAnalyzer create() {
        return new SqlAnalyzer();
    }

    /** Assesses a text for a session whose standard_conforming_strings is on, as it is by default. */
    public Assessment assess(String sql) {
        return assess(sql, true);
    }

    /**
     * Assesses a text.
     *
     * @param standardConformingStrings the setting of the session that would run it: when off, a backslash in an ordinary
     *     string escapes the next character (documentation, 4.1.2.2)
     */
    public Assessment assess(String sql, boolean standardConformingStrings) {
        Tokens tokens = Lexer.scan(sql, standardConformingStrings);
        List<Span> spans = Statements.split(tokens);
        List<StatementAssessment> statements = new ArrayList<>(spans.size());
        for (Span span : spans) {
            statements.add(StatementReader.read(tokens, span).assessment());
        }
        return Assessment.of(statements);
    }
}
