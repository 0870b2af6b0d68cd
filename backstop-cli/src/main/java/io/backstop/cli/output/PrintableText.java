package io.backstop.cli.output;

import java.util.regex.Pattern;

/**
 * Text for people with its control characters shown rather than sent: a table may be called by a whole line of its own, and
 * a terminal obeys more than line breaks. Stateless.
 */
public final class PrintableText {
    /** Line and paragraph separator are line breaks to some terminals and editors. */
    private static final Pattern CONTROL = Pattern.compile("[\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029]");

    /** A line break that a message may have itself: before a hint, and before what the server adds, which is indented. */
    private static final Pattern OWN_BREAK = Pattern.compile("\\n(?=HINT: | {2})");

    private PrintableText() {}

    /** The text in one line: {@code \n}, {@code \r}, {@code \t}, and others as Java writes them. */
    public static String line(String text) {
        return CONTROL.matcher(text)
                .replaceAll(found -> "\\\\" + letters(found.group().charAt(0)));
    }

    /** An error's message, which has lines of its own. */
    public static String message(String text) {
        StringBuilder lines = new StringBuilder();
        for (String part : OWN_BREAK.split(text, -1)) {
            lines.append(lines.isEmpty() ? "" : "\n").append(line(part));
        }
        return lines.toString();
    }

    private static String letters(char control) {
        return switch (control) {
            case '\n' -> "n";
            case '\r' -> "r";
            case '\t' -> "t";
            default -> String.format("u%04x", (int) control);
        };
    }
}
