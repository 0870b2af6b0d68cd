package io.backstop.cli.analyze;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.analysis.SecondOpinion;
import io.backstop.jdbc.analysis.SqlAnalyzer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.time.Duration;

import static org.assertj.core.api.Assertions.assertThat;

class JSqlParserOpinionTest {
    private final SqlAnalyzer analyzer = SqlAnalyzer.create();
    private JSqlParserOpinion reader = new JSqlParserOpinion(Duration.ofSeconds(30));

    @AfterEach
    void close() {
        reader.close();
    }

    private Assessment read(String sql) {
        return reader.read(sql, analyzer.assess(sql));
    }

    @ParameterizedTest
    @CsvSource({
        "SELECT 1, SAFE",
        "INSERT INTO t VALUES (1), WRITE",
        "UPDATE t SET a = 1 WHERE id = 2, WRITE",
        "DELETE FROM t, CRITICAL",
        "TRUNCATE TABLE t, CRITICAL",
        "DROP TABLE t, CRITICAL",
        "DROP VIEW v, HIGH",
        "ALTER TABLE t DROP COLUMN a, CRITICAL",
        "CREATE INDEX i ON t (a), HIGH",
        "SELECT 1; DELETE FROM t, CRITICAL",
    })
    void both_readers_agree_on_ordinary_statements(String sql, RiskLevel risk) {
        Assessment assessment = read(sql);
        assertThat(assessment.secondOpinion()).isEqualTo(SecondOpinion.AGREES);
        assertThat(assessment.risk()).isEqualTo(risk);
    }

    @Test
    void a_lower_opinion_changes_nothing() {
        Assessment assessment = read("DELETE FROM t WHERE 1 = 1");
        assertThat(assessment.secondOpinion()).isEqualTo(SecondOpinion.LOWER);
        assertThat(assessment.risk()).isEqualTo(RiskLevel.CRITICAL);
    }

    @Test
    void a_higher_opinion_wins() {
        Assessment assessment = reader.read("DELETE FROM t", analyzer.assess("SELECT 1"));
        assertThat(assessment.secondOpinion()).isEqualTo(SecondOpinion.HIGHER);
        assertThat(assessment.risk()).isEqualTo(RiskLevel.CRITICAL);
        assertThat(assessment.findings())
                .extracting(finding -> finding.rule().value())
                .contains("second-reader");
        assertThat(reader.read("DELETE FROM t", analyzer.assess("")).risk()).isEqualTo(RiskLevel.CRITICAL);
    }

    @Test
    void what_it_cannot_read_has_no_second_opinion() {
        assertThat(read("VACUUM FULL t").secondOpinion()).isEqualTo(SecondOpinion.MISSING);
        assertThat(read("nonsense").secondOpinion()).isEqualTo(SecondOpinion.MISSING);
        assertThat(read("").secondOpinion()).isEqualTo(SecondOpinion.MISSING);
        assertThat(read("SELECT '" + "x".repeat(JSqlParserOpinion.LONGEST_TEXT) + "'")
                        .secondOpinion())
                .isEqualTo(SecondOpinion.MISSING);
    }

    @Test
    void text_that_costs_it_more_than_its_budget_has_none_and_its_thread_comes_free() {
        reader.close();
        reader = new JSqlParserOpinion(Duration.ZERO);
        // Half a minute of work for it, if it were let.
        String nested = "SELECT " + "(".repeat(9_000) + "1" + ")".repeat(9_000);
        assertThat(read(nested).secondOpinion()).isEqualTo(SecondOpinion.MISSING);
        while (!reader.idle()) {
            Thread.onSpinWait(); // until the parser has seen that it is to stop
        }
    }
}
