package io.backstop.jdbc.analysis;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.RiskLevel;
import io.backstop.jdbc.internal.analysis.command.StatementReader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;

/** One megabyte of anything is answered. Work that grew with its square would not end within the patience of a build. */
class HostileSizeTest {
    private static final int SIZE = 1 << 20;

    private final SqlAnalyzer analyzer = SqlAnalyzer.create();

    @ParameterizedTest
    @ValueSource(
            strings = {
                "(",
                ")",
                "((SELECT ",
                "SELECT (",
                "'a' ",
                "'a'\n",
                "E'\\",
                "U&'a' UESCAPE '!' ",
                "/*",
                "*/",
                "/* */",
                "--\n",
                "-",
                "$a$",
                "$a$$b$",
                "$1 ",
                "\"a\".",
                "a.",
                "a,",
                "1 ",
                "1.",
                "0x_",
                ";",
                "; SELECT 1",
                "DROP TABLE a;",
                "[",
                "CASE ",
                "END ",
                "AND ",
                "OR ",
                "NOT ",
                "WHERE ",
                "? ",
                "?? ",
                "+-",
                "{fn ",
                "{ ? ",
                "}",
                "BEGIN ATOMIC ",
                "é",
                "\ufeff",
                "CREATE FUNCTION f() BEGIN ATOMIC ",
                "WITH a AS (",
                "WITH a AS (SELECT 1) ",
                "ON CONFLICT DO ",
                "INTO a ",
                "set_config('a',",
                "ts_rewrite(",
                "filter(",
                "x FILTER (",
                "AS (",
                ":: (",
                ".lo_unlink",
            })
    void repeated(String fragment) {
        for (String start : new String[] {
            "",
            "SELECT ",
            "DELETE FROM t WHERE ",
            "UPDATE t SET a = ",
            "INSERT INTO t VALUES ",
            "ALTER TABLE t ADD a int ",
            "DROP TABLE a, ",
            "MERGE INTO t USING s ON "
        }) {
            assertThat(answer(start + fragment.repeat(SIZE / 8 / fragment.length())))
                    .isNotNull();
        }
        assertThat(answer(fragment.repeat(SIZE / fragment.length()))).isNotNull();
    }

    @Test
    void ten_thousand_parentheses_are_only_parentheses() {
        String nested = "(".repeat(10_000) + "1" + ")".repeat(10_000);
        assertThat(answer("SELECT " + nested).risk()).isEqualTo(RiskLevel.SAFE);
        assertThat(answer("DELETE FROM t WHERE " + nested + " = a").risk()).isEqualTo(RiskLevel.WRITE);
        assertThat(answer("DELETE FROM t WHERE " + nested.replace("1", "true")).risk())
                .isEqualTo(RiskLevel.CRITICAL);
        assertThat(answer("(".repeat(10_000) + "SELECT 1" + ")".repeat(10_000)).risk())
                .isEqualTo(RiskLevel.SAFE);
    }

    @Test
    void what_is_nested_ten_thousand_deep_is_found() {
        String queries = "(SELECT ".repeat(10_000) + "lo_unlink(5)" + ")".repeat(10_000);
        assertThat(answer("SELECT " + queries).risk()).isEqualTo(RiskLevel.CRITICAL);
        String with = "WITH a AS (".repeat(10_000) + "DELETE FROM t RETURNING 1" + ") SELECT 1".repeat(10_000);
        assertThat(answer(with).risk()).isEqualTo(RiskLevel.CRITICAL);
        assertThat(answer(with).parseErrorPresent()).isFalse();
    }

    @Test
    void a_condition_too_deep_to_follow_is_taken_for_true() {
        String deep = "(a = 1 OR NOT ".repeat(5_000) + "b = 2" + ")".repeat(5_000);
        assertThat(answer("DELETE FROM t WHERE " + deep).risk()).isEqualTo(RiskLevel.CRITICAL);
    }

    @Test
    void a_hundred_thousand_targets_are_all_named() {
        assertThat(answer("DROP TABLE a0" + targets(100_000)).tables()).hasSize(100_000);
    }

    private static String targets(int count) {
        StringBuilder names = new StringBuilder();
        for (int i = 1; i < count; i++) {
            names.append(", a").append(i);
        }
        return names.toString();
    }

    private Assessment answer(String sql) {
        Assessment assessment = analyzer.assess(sql);
        assertThat(assessment.findings()).noneMatch(finding -> finding.reason().contains(StatementReader.FAILED));
        return assessment;
    }
}
