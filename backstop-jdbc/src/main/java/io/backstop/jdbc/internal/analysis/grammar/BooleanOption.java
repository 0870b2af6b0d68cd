package io.backstop.jdbc.internal.analysis.grammar;

import java.util.Locale;

/** The boolean values of the options in parentheses of EXPLAIN, VACUUM and their like. */
public final class BooleanOption {
    private BooleanOption() {}

    /** Whether the value turns its option on: what the server does not take for false it takes for true, or refuses. */
    public static boolean on(String value) {
        return switch (value.toLowerCase(Locale.ROOT)) {
            case "off", "false", "0" -> false;
            default -> true;
        };
    }
}
