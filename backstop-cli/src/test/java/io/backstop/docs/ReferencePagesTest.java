package io.backstop.docs;

import io.backstop.api.error.BackstopException;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;

/** The pages that list something list all of it, and nothing that is not there. */
class ReferencePagesTest {
    private static final Pattern PACKAGE =
            Pattern.compile("^\\| `(io\\.backstop\\.[a-z0-9.]+)` \\|", Pattern.MULTILINE);
    private static final Pattern CLASS = Pattern.compile("`([A-Z][a-zA-Z]*[a-z])`");

    private static final Pattern RULE = Pattern.compile("\\.\\./rules/([a-z-]+)\\.md");
    private static final Pattern STATE = Pattern.compile("^## (ZB\\d{3})$", Pattern.MULTILINE);

    private static String text(String page) throws IOException {
        return Files.readString(MarkdownPage.REPOSITORY.resolve(page));
    }

    private static Set<String> found(Pattern pattern, String page) throws IOException {
        return pattern.matcher(text(page))
                .results()
                .map(match -> match.group(1))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    /** The packages of the modules' main sources, by their package-info. */
    private static Set<String> packages() throws IOException {
        Pattern infos = Pattern.compile(".*/src/main/java/(io/backstop/.*)/package-info\\.java");
        try (Stream<Path> files =
                Files.find(MarkdownPage.REPOSITORY, 16, (file, attributes) -> file.endsWith("package-info.java"))) {
            return files.map(file -> infos.matcher(file.toString().replace('\\', '/')))
                    .filter(Matcher::matches)
                    .map(matcher -> matcher.group(1).replace('/', '.'))
                    .collect(Collectors.toCollection(TreeSet::new));
        }
    }

    /** The simple names of the modules' main classes. */
    private static Set<String> mainClasses() throws IOException {
        Pattern sources = Pattern.compile(".*/src/main/java/io/backstop/.*/([A-Z]\\w+)\\.java");
        try (Stream<Path> files = Files.walk(MarkdownPage.REPOSITORY, 16)) {
            return files.map(file -> sources.matcher(file.toString().replace('\\', '/')))
                    .filter(Matcher::matches)
                    .map(matcher -> matcher.group(1))
                    .collect(Collectors.toCollection(TreeSet::new));
        }
    }

    @Test
    void the_architecture_names_every_package() throws IOException {
        assertThat(found(PACKAGE, "docs/architecture.md")).isEqualTo(packages());
    }

    @Test
    void the_classes_that_decide_exist() throws IOException {
        String page = text("docs/architecture.md");
        String section = page.substring(page.indexOf("## Where each behaviour is decided"), page.indexOf("## Modules"));
        List<String> named =
                CLASS.matcher(section).results().map(match -> match.group(1)).toList();
        assertThat(named).hasSizeGreaterThan(20);
        assertThat(mainClasses()).containsAll(named);
    }

    @Test
    void the_risk_table_names_every_rule() throws IOException {
        try (Stream<Path> pages = Files.list(MarkdownPage.REPOSITORY.resolve("docs/rules"))) {
            assertThat(found(RULE, "docs/reference/risk.md"))
                    .containsExactlyInAnyOrderElementsOf(
                            pages.map(page -> page.getFileName().toString().replaceFirst("\\.md$", ""))
                                    .toList());
        }
    }

    @Test
    void the_errors_page_has_a_section_for_every_refusal() throws IOException {
        String errors = text("docs/reference/errors.md");
        List<Class<?>> refusals = refusals();
        assertThat(refusals).hasSize(found(STATE, "docs/reference/errors.md").size());
        for (Class<?> refusal : refusals) {
            assertThat(errors).contains("`" + refusal.getSimpleName() + "`");
        }
    }

    private static List<Class<?>> refusals() throws IOException {
        Path sources = MarkdownPage.REPOSITORY.resolve("backstop-api/src/main/java/io/backstop/api/error");
        try (Stream<Path> files = Files.list(sources)) {
            return files.map(file -> file.getFileName().toString().replaceFirst("\\.java$", ""))
                    .filter(name -> name.endsWith("Exception") && !name.equals("BackstopException"))
                    .<Class<?>>map(ReferencePagesTest::refusal)
                    .toList();
        }
    }

    private static Class<? extends BackstopException> refusal(String name) {
        try {
            return Class.forName("io.backstop.api.error." + name).asSubclass(BackstopException.class);
        } catch (ClassNotFoundException e) {
            throw new AssertionError(e);
        }
    }
}
