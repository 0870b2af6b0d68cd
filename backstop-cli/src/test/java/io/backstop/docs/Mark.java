package io.backstop.docs;

import java.util.Arrays;
import java.util.Locale;
import java.util.Objects;

/**
 * The comment right before a fenced block, which readers do not see: {@code <!-- doc: run -->} or {@code <!-- doc: given
 * Connection connection, SnapshotArchive archive -->}.
 *
 * @param purpose how the block is checked
 * @param given the variables that a Java snippet takes for granted, as parameters are written; empty where there are none
 */
record Mark(Purpose purpose, String given) {
    static final Mark NONE = new Mark(Purpose.SNIPPET, "");

    Mark {
        Objects.requireNonNull(purpose, "purpose");
        Objects.requireNonNull(given, "given");
    }

    static Mark parse(String words) {
        String[] parts = words.strip().split("\\s+", 2);
        return new Mark(Purpose.of(parts[0]), parts.length > 1 ? parts[1] : "");
    }

    /** How a block is checked. */
    enum Purpose {
        /** Java statements that are compiled. */
        SNIPPET,
        /** Java statements that are compiled with variables that stand before them. */
        GIVEN,
        /** Whole Java classes. */
        CLASS,
        /** Statements, commands or SQL that are run, in the order of the page. */
        RUN,
        /** Text that the block run before it printed. */
        OUTPUT,
        /** A policy file. */
        POLICY,
        /** A token file. */
        TOKENS,
        /** An answer of the HTTP server: any JSON. */
        ANSWER;

        static Purpose of(String word) {
            return Arrays.stream(values())
                    .filter(purpose -> purpose.name().toLowerCase(Locale.ROOT).equals(word))
                    .findFirst()
                    .orElseThrow(() -> new IllegalArgumentException("there is no mark \"doc: " + word + "\""));
        }
    }
}
