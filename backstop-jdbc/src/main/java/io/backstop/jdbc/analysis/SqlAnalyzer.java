package io.backstop.jdbc.analysis;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.StatementAssessment;
import io.backstop.jdbc.internal.analysis.command.StatementReader;
import io.backstop.jdbc.internal.analysis.scan.Lexer;
import io.backstop.jdbc.internal.analysis.scan.StatementShape;
import io.backstop.jdbc.internal.analysis.scan.StatementSplitter;
import io.backstop.jdbc.internal.analysis.scan.TokenList;
import io.backstop.jdbc.internal.analysis.scan.TokenSpan;

import java.util.ArrayList;
import java.util.List;

/**
 * Says what a SQL text would do, before any of it runs. It answers for every text, in time linear in its length, and
 * takes text that it cannot understand for the worst. Thread-safe.
 */
public final class SqlAnalyzer {
    private final AssessmentCache standard = new AssessmentCache();
    private final AssessmentCache escaping = new AssessmentCache();

    private SqlAnalyzer() {}

    /** An analyzer with a cache of its own, which is bounded by bytes. */
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
        if (sql.length() > AssessmentCache.LONGEST_TEXT) {
            TokenList tokens = Lexer.scan(sql, standardConformingStrings);
            return read(tokens, StatementSplitter.split(tokens)).assessment();
        }
        AssessmentCache cache = standardConformingStrings ? standard : escaping;
        Assessment known = cache.byText(sql);
        return known != null ? known : read(sql, standardConformingStrings, cache);
    }

    private static Assessment read(String sql, boolean standardConformingStrings, AssessmentCache cache) {
        TokenList tokens = Lexer.scan(sql, standardConformingStrings);
        String shape = StatementShape.of(tokens);
        Assessment known = cache.byShape(shape);
        if (known == null) {
            Result result = read(tokens, StatementSplitter.split(tokens));
            known = result.assessment();
            if (result.shared()) {
                cache.shape(shape, known);
            }
        }
        cache.text(sql, known);
        return known;
    }

    /** An assessment, and whether every text of this shape has it. */
    private record Result(Assessment assessment, boolean shared) {}

    private static Result read(TokenList tokens, List<TokenSpan> spans) {
        List<StatementAssessment> statements = new ArrayList<>(spans.size());
        boolean shared = true;
        for (TokenSpan span : spans) {
            StatementReader.Result result = StatementReader.read(tokens, span);
            statements.add(result.assessment());
            shared &= result.assessment().recognised() && !result.literalsMatter();
        }
        if (StringSettingChanges.change(tokens, spans)) {
            shared = false;
            if (StringSettingChanges.matter(tokens)) {
                statements.add(StatementReader.unreadable("it changes how its own strings are read"));
            }
        }
        return new Result(Assessment.of(statements), shared);
    }
}
