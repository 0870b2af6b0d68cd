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
    /** The longest text that is read, in characters; a longer one is taken for the worst without a look at it. */
    public static final int LONGEST_TEXT = 10 << 20;

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
     * Assesses a text that the driver parses and sends at once, with nothing before it that may change a setting. Of several
     * statements, all but the first may be read under the other setting; the statements that it makes of them are assessed too.
     *
     * @param standardConformingStrings the setting of the session that would run it: when off, a backslash in an ordinary
     *     string escapes the next character (documentation, 4.1.2.2)
     */
    public Assessment assess(String sql, boolean standardConformingStrings) {
        if (sql.length() > LONGEST_TEXT) {
            return Assessment.of(List.of(StatementReader.unreadable("its text is too long to be read")));
        }
        if (sql.length() > AssessmentCache.LONGEST_TEXT) {
            TokenList tokens = Lexer.scan(sql, standardConformingStrings);
            return read(tokens, StatementSplitter.split(tokens)).assessment();
        }
        AssessmentCache cache = standardConformingStrings ? standard : escaping;
        Assessment known = cache.byText(sql);
        return known != null ? known : read(sql, standardConformingStrings, cache);
    }

    /**
     * Assesses a text that the driver may have parsed under another setting than it is sent under, as it does when it is
     * prepared, or that is sent behind others, as in a batch. The statements that the other setting makes of it are assessed too.
     *
     * @param standardConformingStrings the setting of the session that would run it
     */
    public Assessment assessSentLater(String sql, boolean standardConformingStrings) {
        Assessment atOnce = assess(sql, standardConformingStrings);
        if (sql.length() > LONGEST_TEXT || !OtherReadings.possible(sql)) {
            return atOnce;
        }
        List<StatementAssessment> statements = new ArrayList<>(atOnce.statements());
        for (boolean parsedUnder : new boolean[] {standardConformingStrings, !standardConformingStrings}) {
            TokenList tokens = Lexer.scan(sql, parsedUnder);
            List<String> parts = OtherReadings.parts(tokens, StatementSplitter.split(tokens));
            statements.addAll(OtherReadings.of(parts, statements));
        }
        return statements.size() == atOnce.statements().size() ? atOnce : Assessment.of(statements);
    }

    /** The assessment of a text of which the driver may also have made something that cannot be known. */
    public static Assessment readOtherwise(Assessment assessment) {
        List<StatementAssessment> statements = new ArrayList<>(assessment.statements());
        statements.add(StatementReader.unreadable("what the driver makes of its JDBC escapes depends on a setting"));
        return Assessment.of(statements);
    }

    private static Assessment read(String sql, boolean standardConformingStrings, AssessmentCache cache) {
        TokenList tokens = Lexer.scan(sql, standardConformingStrings);
        List<TokenSpan> statements = StatementSplitter.split(tokens);
        Assessment known;
        if (hasOtherReadings(sql, statements)) {
            known = read(tokens, statements).assessment(); // which depends on its literals
        } else {
            String shape = StatementShape.of(tokens);
            known = cache.byShape(shape);
            if (known == null) {
                Result result = read(tokens, statements);
                known = result.assessment();
                if (result.shared()) {
                    cache.shape(shape, known);
                }
            }
        }
        cache.text(sql, known);
        return known;
    }

    private static boolean hasOtherReadings(String sql, List<TokenSpan> statements) {
        return statements.size() > 1 && OtherReadings.possible(sql);
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
        if (hasOtherReadings(tokens.text(), spans)) {
            statements.addAll(OtherReadings.of(OtherReadings.parts(tokens, spans), List.copyOf(statements)));
        }
        return new Result(Assessment.of(statements), shared);
    }
}
