package io.backstop.cli.output;

import com.github.freva.asciitable.AsciiTable;
import com.github.freva.asciitable.Column;
import com.github.freva.asciitable.HorizontalAlign;
import io.backstop.recovery.model.Validation;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

import java.io.PrintWriter;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/** How a command prints what it found: a table for people, JSON for programs. */
public final class ReportPrinter {
    /** A terminal that is said to be narrower is taken to be this wide, in characters. */
    private static final int NARROWEST = 40;

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Spec(Spec.Target.MIXEE)
    private @Nullable CommandSpec command;

    public boolean asJson() {
        return json;
    }

    PrintWriter out() {
        if (command == null) {
            throw new IllegalStateException("picocli has not set the command");
        }
        return command.commandLine().getOut();
    }

    public void json(Object value) {
        out().println(Json.MAPPER.writeValueAsString(value));
        out().flush();
    }

    /** JSON in one line, with the same names as {@link #json} prints; without a line feed at its end. */
    public static String jsonLine(Object value) {
        return Json.MAPPER.writer().without(SerializationFeature.INDENT_OUTPUT).writeValueAsString(value);
    }

    /** Prints an error's message, which may have a line for its hint. */
    public void message(String text) {
        asItIs(PrintableText.message(text));
    }

    /** Prints one line, whatever is in the names that it tells. */
    public void line(String text) {
        asItIs(PrintableText.line(text));
    }

    /**
     * Prints a text over several lines, as wide as the terminal is; in one line where there is no terminal.
     *
     * @param indent before every line
     * @param mostLines the text after so many lines is left out, and how much of it was
     */
    public void wrapped(String indent, String text, int mostLines) {
        String printable = PrintableText.line(text);
        int width = Math.max(NARROWEST, width()) - indent.length();
        int at = 0;
        for (int line = 1; at < printable.length() || line == 1; line++) {
            int end = Terminal.present().isEmpty() ? printable.length() : lineEnd(printable, at, width);
            if (line > mostLines) {
                asItIs(indent + "… " + (printable.length() - at) + " more characters");
                return;
            }
            asItIs(indent + printable.substring(at, end).strip());
            at = end;
        }
    }

    /** At a space, or in the middle of a word that is longer than the line. */
    private static int lineEnd(String text, int at, int width) {
        if (text.length() - at <= width) {
            return text.length();
        }
        int space = text.lastIndexOf(' ', at + width);
        return space > at ? space : at + width;
    }

    /** The terminal's width in characters. */
    private int width() {
        if (command == null) {
            throw new IllegalStateException("picocli has not set the command");
        }
        return command.usageMessage().autoWidth(true).width();
    }

    /** Prints what is to be run: there a name has to stay what it is. */
    public void script(String sql) {
        asItIs(sql);
    }

    private void asItIs(String text) {
        out().println(text);
        out().flush();
    }

    /** A line for each comparison, whatever is in the names of the parts. */
    public static List<String> lines(Validation validation) {
        List<Validation.Check> printable = validation.checks().stream()
                .map(check -> new Validation.Check(
                        PrintableText.line(check.subject()),
                        PrintableText.line(check.expected()),
                        PrintableText.line(check.actual())))
                .toList();
        return new Validation(validation.snapshotId(), validation.target(), validation.thoroughness(), printable)
                .toString()
                .lines()
                .toList();
    }

    /** Tells people, and leaves what programs read as it is. */
    public void warning(String text) {
        if (command == null) {
            throw new IllegalStateException("picocli has not set the command");
        }
        command.commandLine().getErr().println(PrintableText.message(text));
        command.commandLine().getErr().flush();
    }

    /** A text for a cell: its white space as single spaces, cut to a length in characters. */
    public static String inOneLine(String text, int length) {
        String line = text.replaceAll("\\s+", " ").strip();
        return line.length() <= length ? line : line.substring(0, length - 1) + "…";
    }

    /**
     * Prints rows under their headings, or the note where there are none: those columns that are wanted in any case, and of
     * the others, from the left, as many as fit into a line of the terminal, or into 80 characters where there is none.
     */
    public void tableThatFits(List<String> headings, List<Integer> wanted, List<List<String>> rows, String ifEmpty) {
        Set<Integer> shown = new TreeSet<>(wanted);
        int left = width()
                - shown.stream()
                        .mapToInt(column -> width(headings, rows, column))
                        .sum();
        for (int column = 0; column < headings.size(); column++) {
            int width = width(headings, rows, column);
            if (!shown.contains(column) && width <= left) {
                shown.add(column);
                left -= width;
            }
        }
        table(
                shown.stream().map(headings::get).toList(),
                rows.stream().map(row -> shown.stream().map(row::get).toList()).toList(),
                ifEmpty);
    }

    /** With the space on both sides of it. */
    private static int width(List<String> headings, List<List<String>> rows, int column) {
        return 2
                + Stream.concat(Stream.of(headings), rows.stream())
                        .mapToInt(row -> PrintableText.line(row.get(column)).length())
                        .max()
                        .orElse(0);
    }

    /** Prints rows under their headings, or the note where there are none. */
    public void table(List<String> headings, List<List<String>> rows, String ifEmpty) {
        if (rows.isEmpty()) {
            line(ifEmpty);
            return;
        }
        Column[] columns = headings.stream()
                .map(heading -> new Column()
                        .header(heading)
                        .headerAlign(HorizontalAlign.LEFT)
                        .dataAlign(HorizontalAlign.LEFT))
                .toArray(Column[]::new);
        String[][] cells = rows.stream()
                .map(row -> row.stream().map(PrintableText::line).toArray(String[]::new))
                .toArray(String[][]::new);
        asItIs(AsciiTable.builder()
                .border(AsciiTable.NO_BORDERS)
                .data(columns, cells)
                .asString());
    }

    /** Made when it is needed: that takes a while, and most commands print for people. */
    private static final class Json {
        static final JsonMapper MAPPER = JsonMapper.builder()
                .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
                .enable(SerializationFeature.INDENT_OUTPUT)
                .build();
    }
}
