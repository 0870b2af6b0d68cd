package io.backstop.docs;

import io.backstop.docs.ShellCommands.ShellCommand;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Pages that are wrong are found out: each check of the documentation can fail, and says where. */
@ExtendWith(PostgresExtension.class)
class BrokenDocumentationTest {
    @TempDir
    private Path folder;

    private MarkdownPage page(String text) {
        return new MarkdownPage(folder.resolve("page.md"), text.lines().toList());
    }

    private List<String> errors(String text) throws IOException {
        return new SnippetCompiler(folder).errors(page(text).blocks().get(0));
    }

    @Test
    void a_snippet_that_does_not_compile_is_found_with_its_place() throws IOException {
        assertThat(errors("""
                Text.

                ```java
                String url = 5;
                ```
                """)).singleElement().asString().contains("page.md:4", "incompatible types");
    }

    @Test
    void a_snippet_with_a_method_that_the_api_does_not_have_is_found() throws IOException {
        assertThat(errors("""
                ```java
                Backstop.builder().noSuchSetting("x");
                ```
                """)).singleElement().asString().contains("noSuchSetting");
    }

    @Test
    void a_snippet_may_throw_and_use_the_variables_that_its_mark_gives() throws IOException {
        assertThat(errors("""
                <!-- doc: given Connection connection -->

                ```java
                connection.createStatement().execute("SELECT 1");
                ```
                """)).isEmpty();
    }

    @Test
    void a_variable_that_no_mark_gives_is_missed() throws IOException {
        assertThat(errors("""
                ```java
                connection.createStatement().execute("SELECT 1");
                ```
                """)).isNotEmpty();
    }

    @Test
    void a_whole_class_keeps_its_imports() throws IOException {
        assertThat(errors("""
                <!-- doc: class -->
                ```java
                import java.util.function.Supplier;

                public final class Greeting implements Supplier<String> {
                    @Override
                    public String get() {
                        return "hello";
                    }
                }
                ```
                """)).isEmpty();
    }

    @Test
    void a_mark_belongs_to_the_block_right_after_it_alone() {
        assertThat(page("""
                <!-- doc: run -->
                Text between.
                ```bash
                ls
                ```
                """).blocks().get(0).mark()).isEqualTo(Mark.NONE);
    }

    @Test
    void a_mark_that_does_not_exist_is_an_error() {
        assertThatThrownBy(() -> page("<!-- doc: rnu -->\n```bash\nls\n```").blocks())
                .hasMessageContaining("rnu");
    }

    @Test
    void a_block_in_a_list_loses_the_indentation_of_its_fence() {
        assertThat(page("1. Do it:\n\n   ```bash\n   backstop status\n     # more\n   ```\n")
                        .blocks()
                        .get(0)
                        .lines())
                .containsExactly("backstop status", "  # more");
    }

    @Test
    void a_block_without_an_end_is_an_error() {
        assertThatThrownBy(() -> page("```java\nint i;").blocks()).hasMessageContaining("page.md:1");
    }

    @Test
    void an_invented_option_of_a_command_is_found() {
        assertThat(ShellCommands.in(page("""
                        ```bash
                        backstop restore --storage s3://bucket \\
                          --quickly   # not there
                        ```
                        """).blocks().get(0)))
                .singleElement()
                .satisfies(command ->
                        assertThat(ShellCommands.problem(command.arguments())).isPresent());
        assertThat(ShellCommands.problemOfMention("approvals list --quickly")).isPresent();
        assertThat(ShellCommands.problemOfMention("approvals list --all")).isEmpty();
        assertThat(ShellCommands.problemOfMention("approvals forget")).isPresent();
    }

    @Test
    void commands_are_read_as_a_shell_reads_them() {
        assertThat(ShellCommands.in(page("""
                        ```bash
                        ./backstop pause --reason "two words" | tee log   # why
                        backstop snapshots verify \\
                          --storage 's3://a b' > out.txt
                        ```
                        """).blocks().get(0)))
                .containsExactly(
                        new ShellCommand("backstop", List.of("pause", "--reason", "two words"), Optional.empty()),
                        new ShellCommand(
                                "backstop",
                                List.of("snapshots", "verify", "--storage", "s3://a b"),
                                Optional.of("out.txt")));
    }

    @Test
    void a_setting_that_the_driver_does_not_know_is_found() throws IOException {
        assertThat(problem("""
                ```properties
                spring.datasource.url=jdbc:backstop:postgresql://localhost/shop?backstop.colour=blue
                ```
                """)).contains("backstop.colour");
    }

    @Test
    void a_policy_with_an_unknown_key_is_found() throws IOException {
        assertThat(problem("<!-- doc: policy -->\n```json\n{\"snapshot_moed\": \"off\"}\n```"))
                .contains("snapshot_moed");
    }

    @Test
    void json_without_a_mark_is_found() throws IOException {
        assertThat(problem("```json\n{}\n```")).contains("needs a mark");
    }

    private String problem(String text) throws IOException {
        return SettingsExamples.problem(page(text).blocks().get(0), folder).orElseThrow();
    }

    @Test
    void a_link_to_nothing_and_a_missing_anchor_are_found() throws IOException {
        MarkdownPage page = page("""
                # Known heading

                [missing](missing.md), [here](#known-heading), [not here](#unknown), [web](https://example.org)
                """);
        Files.write(page.path(), page.lines());
        assertThat(page.brokenLinks())
                .satisfiesExactly(
                        missing -> assertThat(missing).contains(":3:", "missing.md"),
                        anchor -> assertThat(anchor).contains("#unknown"));
    }

    @Test
    void a_line_that_is_too_long_is_found_unless_it_is_a_table_a_url_or_code() {
        String words = "word ".repeat(30);
        assertThat(page(words + "\n| " + words + "|\nhttps://" + words + "\n```\n" + words + "\n```\n")
                        .longLines())
                .singleElement()
                .asString()
                .contains(":1:");
    }

    @Test
    void output_that_differs_from_what_a_page_says_is_found(TestDatabase database) throws IOException {
        PageStory story = new PageStory(database, folder);
        assertThatThrownBy(() -> story.run(page("""
                        <!-- doc: run -->
                        ```java
                        System.out.println("this");
                        ```
                        <!-- doc: output -->
                        ```text
                        that
                        ```
                        """)))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("that");
    }

    @Test
    void output_may_leave_out_lines(TestDatabase database) throws Exception {
        PageStory story = new PageStory(database, folder);
        story.run(page("""
                <!-- doc: run -->
                ```java
                System.out.println("first\\nsecond\\nlast");
                ```
                <!-- doc: output -->
                ```text
                first
                …
                last
                ```
                """));
    }

    @Test
    void a_command_that_fails_is_found(TestDatabase database) throws IOException {
        PageStory story = new PageStory(database, folder);
        assertThatThrownBy(() -> story.run(page("""
                        <!-- doc: run -->
                        ```bash
                        backstop approvals approve appr_0000000000000000 --control /var/lib/backstop/backstop.db
                        ```
                        """)))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("there is no control store");
    }
}
