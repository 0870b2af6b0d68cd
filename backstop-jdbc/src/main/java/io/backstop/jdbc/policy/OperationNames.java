package io.backstop.jdbc.policy;

import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.Destruction;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Finds which operation somebody meant who wrote the name of none. Stateless, thread-safe. */
final class OperationNames {
    private static final int MOST = 3;
    private static final int MOST_WRONG = 2;
    private static final int LETTERS_FOR_ONE_WRONG = 4;
    /** Longer texts are no misspelt names; comparing takes time in proportion to the length. */
    private static final int LONGEST = 60;

    private OperationNames() {}

    /** {@code "; did you mean DROP TABLE, …?"}, or nothing where no operation's name is near. */
    static String suggestion(String written) {
        if (written.length() > LONGEST) {
            return "";
        }
        int near = Math.min(MOST_WRONG, written.length() / LETTERS_FOR_ONE_WRONG);
        List<String> names = Stream.of(
                        Arrays.stream(CommandTag.values()).map(CommandTag::text),
                        Arrays.stream(CommandTag.values()).map(CommandTag::explained),
                        Stream.of(Destruction.Kind.UNRECOVERABLE.text()))
                .flatMap(each -> each)
                .filter(name -> beginsLike(name, written) || distance(name, written) <= near)
                .sorted(Comparator.<String>comparingInt(name -> distance(name, written))
                        .thenComparing(Comparator.naturalOrder()))
                .limit(MOST)
                .toList();
        return names.isEmpty() ? "" : names.stream().collect(Collectors.joining(", ", "; did you mean ", "?"));
    }

    /** TRUNCATE TABLE for TRUNCATE, DECLARE for DECLARE CURSOR. */
    private static boolean beginsLike(String name, String written) {
        return name.startsWith(written + " ") || written.startsWith(name + " ");
    }

    /** How many letters have to be changed, added or left out (Levenshtein 1966). */
    private static int distance(String from, String to) {
        int[] row = new int[to.length() + 1];
        Arrays.setAll(row, i -> i);
        for (int i = 1; i <= from.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= to.length(); j++) {
                int changed = diagonal + (from.charAt(i - 1) == to.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(changed, 1 + Math.min(row[j], row[j - 1]));
            }
        }
        return row[to.length()];
    }
}
