package io.backstop.docs;

import io.backstop.cli.BackstopCommand;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/** The commands that a page prints, taken apart as a shell does; those of {@code backstop} are read by its own parser. */
final class ShellCommands {
    static final String BACKSTOP = "backstop";

    private static final Pattern PROMPT = Pattern.compile("^\\s*(?:\\$ )?(?:\\./(?=backstop ))?");
    private static final Pattern OPTION = Pattern.compile("(?<=^|[ \\[(])--[a-z][a-z-]*");
    private static final Set<String> SHELLS = Set.of("", "bash", "sh", "console");

    private ShellCommands() {}

    /**
     * One command of a block.
     *
     * @param program its first word
     * @param arguments the words after it, up to a pipe, a redirection or a comment
     * @param output the file that its output is redirected to
     */
    record ShellCommand(String program, List<String> arguments, Optional<String> output) {
        ShellCommand {
            arguments = List.copyOf(arguments);
        }
    }

    /** The commands of a block, in their order. */
    static List<ShellCommand> in(CodeBlock block) {
        if (!SHELLS.contains(block.language())) {
            return List.of();
        }
        List<ShellCommand> commands = new ArrayList<>();
        List<String> lines = block.lines();
        for (int i = 0; i < lines.size(); i++) {
            StringBuilder line = new StringBuilder(lines.get(i));
            while (line.toString().endsWith("\\") && i + 1 < lines.size()) {
                i++;
                line.setLength(line.length() - 1);
                line.append(lines.get(i));
            }
            List<String> words = words(PROMPT.matcher(line).replaceFirst(""));
            if (!words.isEmpty()) {
                commands.add(
                        new ShellCommand(words.get(0), words.subList(1, words.size()), redirection(line.toString())));
            }
        }
        return commands;
    }

    private static Optional<String> redirection(String line) {
        return Pattern.compile(" > (\\S+)")
                .matcher(line)
                .results()
                .map(match -> match.group(1))
                .findFirst();
    }

    /** The words of a command line, as a shell reads them: with quotes, but without expansions. */
    static List<String> words(String line) {
        List<String> words = new ArrayList<>();
        StringBuilder word = new StringBuilder();
        boolean inWord = false;
        char quote = 0;
        for (int i = 0; i < line.length(); i++) {
            char c = line.charAt(i);
            if (quote != 0) {
                if (c == quote) {
                    quote = 0;
                } else {
                    word.append(c);
                }
            } else if (c == '\'' || c == '"') {
                quote = c;
                inWord = true;
            } else if (c == ' ') {
                if (inWord) {
                    words.add(word.toString());
                    word.setLength(0);
                    inWord = false;
                }
            } else if (!inWord && (c == '|' || c == '>' || c == '#' || c == '&' || c == ';')) {
                return words;
            } else {
                word.append(c);
                inWord = true;
            }
        }
        if (inWord) {
            words.add(word.toString());
        }
        return words;
    }

    /** Why the command does not take these arguments; empty if it does. */
    static Optional<String> problem(List<String> arguments) {
        try {
            BackstopCommand.commandLine().parseArgs(arguments.toArray(String[]::new));
            return Optional.empty();
        } catch (ParameterException e) {
            return Optional.of("backstop " + String.join(" ", arguments) + ": " + e.getMessage());
        }
    }

    /** Why a command that is only mentioned is none: its name or one of its options does not exist; empty if they do. */
    static Optional<String> problemOfMention(String span) {
        CommandLine command = BackstopCommand.commandLine();
        for (String word : words(span)) {
            CommandLine next = command.getSubcommands().get(word);
            if (next != null) {
                command = next;
            } else if (word.matches("[a-z][a-z-]*") && !command.getSubcommands().isEmpty()) {
                return Optional.of("`backstop " + span + "`: there is no command " + word);
            } else {
                break;
            }
        }
        CommandLine found = command;
        return OPTION.matcher(span)
                .results()
                .map(option -> option.group())
                .filter(option -> !found.getCommandSpec().optionsMap().containsKey(option))
                .map(option -> "`backstop " + span + "`: there is no option " + option)
                .findFirst();
    }
}
