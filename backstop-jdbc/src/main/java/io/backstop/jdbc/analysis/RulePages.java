package io.backstop.jdbc.analysis;

import io.backstop.api.analysis.RuleId;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** The pages of docs/rules, which are packed into the jar. Stateless, thread-safe. */
public final class RulePages {
    private static final String HEADING = "## Safer";

    /** What a page says whose statements are ordinary ones. */
    private static final String NOTHING = "Nothing to do.";

    /** What the page of the rule says under its heading Safer, if it has a page. */
    public Optional<String> saferWay(RuleId rule) {
        try (InputStream page = RulePages.class.getResourceAsStream("/io/backstop/jdbc/rules/" + rule + ".md")) {
            if (page == null) {
                return Optional.empty();
            }
            String section = new String(page.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .dropWhile(line -> !line.equals(HEADING))
                    .skip(1)
                    .takeWhile(line -> !line.startsWith("## "))
                    .filter(line -> !line.isBlank())
                    .collect(Collectors.joining("\n"));
            return section.isEmpty() ? Optional.empty() : Optional.of(section);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What the pages of these rules recommend, in one line; empty where they recommend nothing. */
    public String saferWay(List<RuleId> rules) {
        return rules.stream()
                .flatMap(rule -> saferWay(rule).stream())
                .map(text -> text.replace('\n', ' '))
                .filter(text -> !text.equals(NOTHING))
                .distinct()
                .collect(Collectors.joining(" "));
    }
}
