package io.backstop.jdbc.analysis;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.Finding;
import io.backstop.jdbc.internal.analysis.rule.Rule;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;

/** Every rule has a page, and what the page says is so. */
class RulePagesTest {
    private static final Path PAGES = Path.of("..", "docs", "rules");
    private final SqlAnalyzer analyzer = SqlAnalyzer.create();

    @ParameterizedTest
    @EnumSource(Rule.class)
    void fires_on_what_its_page_says(Rule rule) throws IOException {
        for (String sql : examples(rule, "## Fires")) {
            Assessment assessment = analyzer.assess(sql);
            assertThat(assessment.findings()).as(sql).extracting(Finding::rule).contains(rule.id());
            assertThat(assessment.risk().atLeast(rule.risk())).as(sql).isTrue();
        }
    }

    @ParameterizedTest
    @EnumSource(Rule.class)
    void stays_quiet_on_what_its_page_says(Rule rule) throws IOException {
        for (String sql : examples(rule, "## Stays quiet")) {
            Assessment assessment = analyzer.assess(sql);
            assertThat(assessment.parseErrorPresent()).as(sql).isFalse();
            assertThat(assessment.findings()).as(sql).extracting(Finding::rule).doesNotContain(rule.id());
        }
    }

    @Test
    void every_page_has_its_rule() throws IOException {
        try (Stream<Path> pages = Files.list(PAGES)) {
            assertThat(pages.map(page -> page.getFileName().toString()))
                    .containsExactlyInAnyOrderElementsOf(Arrays.stream(Rule.values())
                            .map(rule -> rule.id() + ".md")
                            .toList());
        }
    }

    private static List<String> examples(Rule rule, String heading) throws IOException {
        List<String> lines = Files.readAllLines(PAGES.resolve(rule.id() + ".md"));
        List<String> examples = lines.stream()
                .skip(lines.indexOf(heading))
                .dropWhile(line -> !line.equals("```sql"))
                .skip(1)
                .takeWhile(line -> !line.equals("```"))
                .toList();
        assertThat(examples).as(rule + " " + heading).isNotEmpty();
        return examples;
    }
}
