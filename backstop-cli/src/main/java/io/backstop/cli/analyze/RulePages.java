package io.backstop.cli.analyze;

import io.backstop.api.analysis.RuleId;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.stream.Collectors;

/** The pages of docs/rules, which are packed into the command. Stateless. */
final class RulePages {
    private static final String HEADING = "## Safer";

    /** What the page of the rule says under its heading Safer, if it has a page. */
    Optional<String> saferWay(RuleId rule) {
        try (InputStream page = RulePages.class.getResourceAsStream("/io/backstop/cli/rules/" + rule + ".md")) {
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
}
