package io.backstop.docs;

import io.backstop.cli.CommandRun;
import io.backstop.docs.ShellCommands.ShellCommand;
import io.backstop.testing.TestDatabase;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Runs what a page prints, from its top to its end: Java, commands and SQL that are marked to be run, with a real database
 * and folder in place of the page's examples; and compares what they print with what the page says that they print.
 */
final class PageStory {
    private static final Pattern ID = Pattern.compile("(appr|snap)_[0-9a-f]{16}");

    private final TestDatabase database;
    private final Path folder;
    private final Path classes;
    private final SnippetCompiler compiler;
    private String approvalId = "appr_0000000000000000";
    private String snapshotId = "snap_0000000000000000";
    private String output = "";

    PageStory(TestDatabase database, Path folder) throws IOException {
        this.database = database;
        this.folder = Files.createDirectory(folder.resolve("backstop"));
        this.classes = Files.createDirectory(folder.resolve("classes"));
        this.compiler = new SnippetCompiler(classes);
    }

    void run(MarkdownPage page) throws Exception {
        for (CodeBlock printed : page.blocks()) {
            CodeBlock block = new CodeBlock(
                    printed.page(),
                    printed.line(),
                    printed.language(),
                    printed.mark(),
                    printed.lines().stream().map(this::real).toList());
            switch (block.mark().purpose()) {
                case CLASS -> assertThat(compiler.errors(block)).isEmpty();
                case OUTPUT -> compare(printed);
                case RUN -> run(block);
                default -> {
                    // is checked elsewhere
                }
            }
        }
    }

    /** The page may leave out lines where it has a line with an ellipsis. */
    private void compare(CodeBlock printed) {
        Pattern expected =
                Pattern.compile(Arrays.stream(comparable(printed.text()).split("(?m)^…$", -1))
                        .map(part -> Pattern.quote(part.strip()))
                        .collect(Collectors.joining("\\n(?s:.*)")));
        assertThat(comparable(output)).as(printed.place()).matches(expected);
    }

    private void run(CodeBlock block) throws Exception {
        switch (block.language()) {
            case "java" -> output = runJava(block);
            case "bash" -> output = runCommands(block);
            case "sql" -> runSql(block);
            default -> throw new IllegalArgumentException(block.place() + ": " + block.language() + " cannot be run");
        }
        ID.matcher(output).results().forEach(this::remember);
    }

    private void remember(MatchResult id) {
        if (id.group(1).equals("appr")) {
            approvalId = id.group();
        } else {
            snapshotId = id.group();
        }
    }

    /** A line as it runs here. */
    private String real(String line) {
        String address = database.url().replaceFirst("^jdbc:", "");
        return ID.matcher(line)
                .replaceAll(id -> id.group(1).equals("appr") ? approvalId : snapshotId)
                .replace("postgresql://localhost:5432/shop?user=app", address)
                .replace("postgresql://app@localhost:5432/shop", address)
                .replace("/var/lib/backstop", folder.toString());
    }

    /** What was printed, without what differs from run to run and from host to host. */
    private String comparable(String text) {
        return ID.matcher(text)
                .replaceAll("$1_ID")
                .replace(folder.toString(), "/var/lib/backstop")
                .replaceAll("localhost:\\d+/\\w+", "localhost:5432/shop")
                .replaceAll("\\d{4}-\\d\\d-\\d\\dT[0-9:.]+Z", "TIME")
                .replaceAll("expires in \\d+ s", "expires in 900 s")
                .replaceAll("[ -]+", " ")
                .replaceAll(" *\n *", "\n")
                .strip();
    }

    private String runJava(CodeBlock block) throws Exception {
        assertThat(compiler.errors(block)).isEmpty();
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        PrintStream console = System.out;
        try (URLClassLoader loader =
                new URLClassLoader(new URL[] {classes.toUri().toURL()}, PageStory.class.getClassLoader())) {
            System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
            loader.loadClass(SnippetCompiler.WRAPPER)
                    .getMethod(SnippetCompiler.METHOD)
                    .invoke(null);
        } finally {
            System.setOut(console);
        }
        return printed.toString(StandardCharsets.UTF_8);
    }

    private String runCommands(CodeBlock block) throws IOException, SQLException {
        List<ShellCommand> commands = ShellCommands.in(block);
        assertThat(commands).as(block.place()).isNotEmpty();
        StringBuilder printed = new StringBuilder();
        for (ShellCommand command : commands) {
            List<String> arguments = command.arguments();
            if (command.program().equals("psql")) {
                database.run(Files.readString(Path.of(arguments.get(arguments.size() - 1))));
                continue;
            }
            assertThat(command.program()).as(block.place()).isEqualTo(ShellCommands.BACKSTOP);
            CommandRun run = CommandRun.of(arguments.toArray(String[]::new));
            assertThat(run.exitCode()).as(block.place() + ": " + run.errors()).isZero();
            printed.append(run.output());
            if (command.output().isPresent()) {
                Files.writeString(Path.of(command.output().get()), run.output());
            }
        }
        return printed.toString();
    }

    private void runSql(CodeBlock block) throws SQLException {
        database.run(block.text());
    }
}
