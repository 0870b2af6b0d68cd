package io.backstop.jdbc.analysis;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.RiskLevel;
import io.backstop.jdbc.internal.analysis.command.StatementReader;
import io.backstop.jdbc.internal.analysis.scan.Keyword;
import io.backstop.jdbc.internal.analysis.scan.Lexer;
import io.backstop.jdbc.internal.analysis.scan.TokenKind;
import io.backstop.jdbc.internal.analysis.scan.TokenList;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

import java.util.List;
import java.util.Locale;
import java.util.Random;

import static org.assertj.core.api.Assertions.assertThat;

/** What never changes a verdict, whatever the statement. */
class VerdictProperties {
    private static final String SEED = "20261122";
    private static final List<String> GAPS =
            List.of(" ", "\n", "\t\r\n", "/* x */", "/* a /* b */ ; c */", " -- it's\n", "--\"\n", "/*'*/ ");

    private final SqlAnalyzer analyzer = SqlAnalyzer.create();

    @Provide
    Arbitrary<String> statement() {
        return Arbitraries.of(Samples.STATEMENTS);
    }

    @Provide
    Arbitrary<String> soup() {
        Arbitrary<String> fragment = Arbitraries.of(
                "SELECT ",
                "DELETE FROM t",
                " WHERE ",
                "WITH x AS (",
                "(",
                ")",
                "'",
                "''",
                "\"",
                "$$",
                "$a$",
                "E'",
                "U&'",
                "U&\"",
                " UESCAPE '!'",
                "\\",
                "/*",
                "*/",
                "--",
                "\n",
                ";",
                ",",
                ".",
                "::",
                ":=",
                "?",
                "??",
                "$1",
                "{",
                "}",
                "{fn ",
                "{call ",
                "? = ",
                "BEGIN ATOMIC ",
                "END ",
                "CREATE FUNCTION f() ",
                "CASE ",
                "AND ",
                "OR ",
                "NOT ",
                "IS ",
                "TRUE ",
                "1",
                "1=1",
                "=",
                "+-",
                "0x",
                "1e",
                "1.",
                "t",
                " ONLY ",
                "SET a = ",
                "RETURNING ",
                "EXPLAIN ",
                "ANALYZE ",
                "DROP TABLE ",
                "ALTER TABLE t ",
                "DROP ",
                "COPY ",
                "TO ",
                "set_config('role',",
                "lo_unlink(",
                "MERGE INTO t USING s ON ",
                "WHEN MATCHED THEN ",
                "[",
                "]",
                "\u0000",
                "\ud800",
                "\ufeff",
                "é");
        return Arbitraries.oneOf(
                fragment.list().ofMaxSize(40).map(parts -> String.join("", parts)),
                Arbitraries.strings().ofMaxLength(60));
    }

    @Property(seed = SEED)
    void space_and_comments_change_nothing(@ForAll("statement") String sql, @ForAll long seed) {
        Random random = new Random(seed);
        StringBuilder spaced = new StringBuilder();
        TokenList tokens = Lexer.scan(sql, true);
        for (int i = 0; i < tokens.size(); i++) {
            spaced.append(GAPS.get(random.nextInt(GAPS.size()))).append(tokens.written(i));
        }
        spaced.append(GAPS.get(random.nextInt(GAPS.size())));
        assertSame(spaced.toString(), sql);
    }

    @Property(seed = SEED)
    void the_case_of_unquoted_words_changes_nothing(@ForAll("statement") String sql, @ForAll long seed) {
        Random random = new Random(seed);
        TokenList tokens = Lexer.scan(sql, true);
        StringBuilder cased = new StringBuilder(sql);
        for (int i = 0; i < tokens.size(); i++) {
            for (int at = tokens.start(i); tokens.kind(i) == TokenKind.WORD && at < tokens.end(i); at++) {
                char c = cased.charAt(at);
                cased.setCharAt(at, random.nextBoolean() ? Character.toUpperCase(c) : Character.toLowerCase(c));
            }
        }
        assertSame(cased.toString(), sql);
    }

    @Property(seed = SEED)
    void quoting_ordinary_identifiers_changes_nothing(@ForAll("statement") String sql, @ForAll long seed) {
        Random random = new Random(seed);
        TokenList tokens = Lexer.scan(sql, true);
        StringBuilder quoted = new StringBuilder();
        for (int i = 0; i < tokens.size(); i++) {
            String written = tokens.written(i);
            boolean ordinary = tokens.kind(i) == TokenKind.WORD && tokens.keyword(i) == Keyword.NO_KEYWORD;
            quoted.append(' ').append(ordinary && i > 0 ? quote(written, random) : written);
        }
        assertSame(quoted.toString(), sql);
    }

    private static String quote(String identifier, Random random) {
        String folded = identifier.toLowerCase(Locale.ROOT);
        return switch (random.nextInt(4)) {
            case 0 -> identifier;
            case 1 -> '"' + folded + '"';
            case 2 -> "U&\"" + String.format("\\%04x", (int) folded.charAt(0)) + folded.substring(1) + '"';
            default ->
                "u&\"!+" + String.format("%06x", (int) folded.charAt(0)) + folded.substring(1) + "\" UESCAPE '!'";
        };
    }

    private void assertSame(String variant, String sql) {
        Assessment expected = analyzer.assess(sql);
        Assessment actual = analyzer.assess(variant);
        assertThat(actual.risk()).as(variant).isEqualTo(expected.risk());
        assertThat(actual.operation()).as(variant).isEqualTo(expected.operation());
        assertThat(actual.tables()).as(variant).isEqualTo(expected.tables());
        assertThat(actual.destructions()).as(variant).isEqualTo(expected.destructions());
    }

    @Property(seed = SEED)
    void several_statements_are_as_bad_as_the_worst(
            @ForAll("statement") String first, @ForAll("statement") String second, @ForAll("statement") String third) {
        Assessment joined = analyzer.assess(first + ";" + second + " ; ;" + third + ";");
        RiskLevel worst = analyzer.assess(first)
                .risk()
                .worse(analyzer.assess(second).risk())
                .worse(analyzer.assess(third).risk());
        assertThat(joined.risk()).isEqualTo(worst);
        assertThat(joined.statements()).hasSize(3);
    }

    @Property(seed = SEED, tries = 20_000)
    void every_text_gets_an_answer(@ForAll("soup") String text, @ForAll boolean standardStrings) {
        Assessment assessment = analyzer.assess(text, standardStrings);
        assertThat(assessment.findings()).noneMatch(finding -> finding.reason().contains(StatementReader.FAILED));
        assertThat(SecretMask.mask(text, standardStrings)).isNotNull();
    }

    @Property(seed = SEED, tries = 5_000)
    void what_is_cut_off_or_added_to_is_never_understood_less_safely(@ForAll("soup") String text) {
        Assessment alone = analyzer.assess("DELETE FROM t; " + text);
        assertThat(alone.risk()).as(text).isEqualTo(RiskLevel.CRITICAL);
    }

    @Property(seed = SEED, tries = 5_000)
    void tokens_cover_the_text_in_order(@ForAll("soup") String text) {
        TokenList tokens = Lexer.scan(text, true);
        int last = 0;
        for (int i = 0; i < tokens.size(); i++) {
            assertThat(tokens.start(i)).isGreaterThanOrEqualTo(last);
            assertThat(tokens.end(i)).isGreaterThanOrEqualTo(tokens.start(i));
            last = tokens.end(i);
        }
        assertThat(last).isLessThanOrEqualTo(text.length());
    }
}
