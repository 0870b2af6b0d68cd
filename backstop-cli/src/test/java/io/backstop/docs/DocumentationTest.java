package io.backstop.docs;

import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;

/** The documentation is true as far as a machine can tell: its code compiles and runs, its commands and links exist. */
@ExtendWith(PostgresExtension.class)
class DocumentationTest {
    private static final String COMMAND = ShellCommands.BACKSTOP + " ";

    @TempDir
    private Path folder;

    static Stream<String> pages() throws IOException {
        return MarkdownPage.all().stream().map(MarkdownPage::name);
    }

    static Stream<String> pagesThatRun() throws IOException {
        return MarkdownPage.all().stream()
                .filter(page ->
                        page.blocks().stream().anyMatch(block -> block.mark().purpose() == Mark.Purpose.RUN))
                .map(MarkdownPage::name);
    }

    private static MarkdownPage page(String name) throws IOException {
        return MarkdownPage.read(MarkdownPage.REPOSITORY.resolve(name));
    }

    @ParameterizedTest
    @MethodSource("pages")
    void its_java_compiles(String name) throws IOException {
        SnippetCompiler compiler = new SnippetCompiler(folder);
        List<String> errors = new ArrayList<>();
        for (CodeBlock block : page(name).blocks()) {
            if (block.language().equals("java")) {
                errors.addAll(compiler.errors(block));
            }
        }
        assertThat(errors).isEmpty();
    }

    @ParameterizedTest
    @MethodSource("pagesThatRun")
    void it_runs_as_printed(String name, TestDatabase database) throws Exception {
        new PageStory(database, folder).run(page(name));
        // A guard that a URL has opened is closed shortly after its last connection, and writes to the folder until
        // then.
        for (Thread thread : Thread.getAllStackTraces().keySet()) {
            if (thread.getName().equals("backstop-release")) {
                thread.join();
            }
        }
    }

    @ParameterizedTest
    @MethodSource("pages")
    void its_commands_are_understood(String name) throws IOException {
        assertThat(page(name).blocks().stream()
                        .flatMap(block -> ShellCommands.in(block).stream())
                        .filter(command -> command.program().equals(ShellCommands.BACKSTOP))
                        .flatMap(command -> ShellCommands.problem(command.arguments()).stream()))
                .isEmpty();
    }

    @ParameterizedTest
    @MethodSource("pages")
    void the_commands_that_it_mentions_exist(String name) throws IOException {
        assertThat(page(name).codeSpans().stream()
                        .filter(span -> span.startsWith(COMMAND))
                        .flatMap(span -> ShellCommands.problemOfMention(span.substring(COMMAND.length())).stream()))
                .isEmpty();
    }

    @ParameterizedTest
    @MethodSource("pages")
    void its_settings_are_accepted(String name) throws IOException {
        List<String> problems = new ArrayList<>();
        for (CodeBlock block : page(name).blocks()) {
            Optional<String> problem = SettingsExamples.problem(block, folder);
            problem.ifPresent(problems::add);
        }
        assertThat(problems).isEmpty();
    }

    @ParameterizedTest
    @MethodSource("pages")
    void its_links_lead_somewhere(String name) throws IOException {
        assertThat(page(name).brokenLinks()).isEmpty();
    }

    @ParameterizedTest
    @MethodSource("pages")
    void its_lines_fit_the_width(String name) throws IOException {
        assertThat(page(name).longLines()).isEmpty();
    }
}
