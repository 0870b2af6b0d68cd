package io.backstop.jdbc.analysis;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.analysis.RiskLevel;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

/**
 * Compares the analysis with statements whose right answers are known. The folder that BACKSTOP_SQL_CORPUS names holds
 * files of JSON lines: {@code pg_*.jsonl} with {@code {"sql", "operation", "risk", "tables"}}, {@code evasion*.jsonl} with
 * {@code {"sql", "at_least"}} or {@code {"sql", "at_most"}}.
 */
class CorpusTest {
    private static final double MOST_HIGHER = 0.003;
    private static final double MOST_ERRORS = 0.001;
    private static final double LEAST_RIGHT = 0.99;
    private static final Set<String> COMPARED =
            Set.of("INSERT", "UPDATE", "DELETE", "MERGE", "TRUNCATE", "DROP TABLE", "ALTER TABLE");

    private final SqlAnalyzer analyzer = SqlAnalyzer.create();

    private record Case(JsonNode expected, Assessment actual) {
        RiskLevel risk(String key) {
            return RiskLevel.valueOf(expected.get(key).asString());
        }

        @Override
        public String toString() {
            return actual.risk() + " " + actual.operation() + " " + actual.tables() + " <> " + expected;
        }
    }

    @BeforeAll
    static void needs_a_corpus() {
        assumeTrue(System.getenv("BACKSTOP_SQL_CORPUS") != null, "BACKSTOP_SQL_CORPUS names no folder of statements");
    }

    @Test
    void never_answers_below_the_label() throws IOException {
        assertThat(cases("pg_"))
                .filteredOn(c -> !c.actual().risk().atLeast(c.risk("risk")))
                .isEmpty();
    }

    @Test
    void rarely_answers_above_the_label() throws IOException {
        List<Case> cases = cases("pg_");
        List<Case> higher = cases.stream()
                .filter(c -> !c.risk("risk").atLeast(c.actual().risk()))
                .toList();
        assertThat(higher).hasSizeLessThanOrEqualTo((int) (cases.size() * MOST_HIGHER));
    }

    @Test
    void understands_what_postgres_understands() throws IOException {
        List<Case> cases = cases("pg_");
        List<Case> errors =
                cases.stream().filter(c -> c.actual().parseErrorPresent()).toList();
        assertThat(errors).hasSizeLessThanOrEqualTo((int) (cases.size() * MOST_ERRORS));
    }

    @Test
    void names_operation_and_tables() throws IOException {
        List<Case> compared = cases("pg_").stream()
                .filter(c -> COMPARED.contains(c.expected().get("operation").asString()))
                .toList();
        List<Case> wrong = compared.stream().filter(c -> !right(c)).toList();
        assertThat(wrong).hasSizeLessThanOrEqualTo((int) (compared.size() * (1 - LEAST_RIGHT)));
    }

    private static boolean right(Case c) {
        Set<String> expected = new TreeSet<>();
        c.expected().get("tables").forEach(table -> expected.add(table.asString()));
        Set<String> actual =
                c.actual().tables().stream().map(RelationName::toString).collect(Collectors.toCollection(TreeSet::new));
        return c.actual().operation().equals(c.expected().get("operation").asString()) && actual.equals(expected);
    }

    @Test
    void is_not_evaded() throws IOException {
        assertThat(cases("evasion"))
                .filteredOn(c -> c.expected().has("at_least")
                        ? !c.actual().risk().atLeast(c.risk("at_least"))
                        : !c.risk("at_most").atLeast(c.actual().risk()))
                .isEmpty();
    }

    private List<Case> cases(String prefix) throws IOException {
        ObjectMapper json = new ObjectMapper();
        List<Case> cases = new ArrayList<>();
        try (Stream<Path> files = Files.list(Path.of(System.getenv("BACKSTOP_SQL_CORPUS")))) {
            for (Path file : files.filter(f -> f.getFileName().toString().startsWith(prefix))
                    .sorted()
                    .toList()) {
                for (String line : Files.readAllLines(file)) {
                    JsonNode expected = json.readTree(line);
                    cases.add(new Case(
                            expected, analyzer.assess(expected.get("sql").asString())));
                }
            }
        }
        return cases;
    }
}
