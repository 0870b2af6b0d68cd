package io.backstop.recovery.model;

import java.util.ArrayList;
import java.util.List;

/**
 * What a copyback script does with the stored rows of one table, counted when it was written. Immutable, thread-safe.
 *
 * @param stored how many rows the snapshot holds
 * @param putBack how many of them it puts back, because they are missing
 * @param updated how many are there with other values and get the stored ones
 * @param kept how many are there with other values and stay as they are now
 * @param leftOut how many are missing and are not put back
 * @param takenAway how many rows that the lost statement made in the place of stored ones it removes
 */
public record CopybackCounts(long stored, long putBack, long updated, long kept, long leftOut, long takenAway) {
    /** Nothing is done. */
    public static CopybackCounts untouched(long stored) {
        return new CopybackCounts(stored, 0, 0, 0, 0, 0);
    }

    /** The restored table takes the place, with every row. */
    public static CopybackCounts all(long stored) {
        return new CopybackCounts(stored, stored, 0, 0, 0, 0);
    }

    /** None of them comes back by the script. */
    public static CopybackCounts leftOut(long stored) {
        return new CopybackCounts(stored, 0, 0, 0, stored, 0);
    }

    /** How many stored rows do not come back as they were stored; the script offers them in comments. */
    public long offered() {
        return kept + leftOut;
    }

    /** A line for people: {@code 10 stored rows: 3 are put back, 7 are there as stored}. */
    public String words() {
        List<String> words = new ArrayList<>();
        add(words, putBack, "are put back");
        add(words, updated, "get their stored values back");
        add(words, kept, "are there with other values and STAY AS THEY ARE NOW");
        add(words, leftOut, "are missing and are NOT PUT BACK");
        add(words, stored - putBack - updated - kept - leftOut, "are there as stored");
        String told = stored + " stored rows" + (words.isEmpty() ? "" : ": " + String.join(", ", words));
        return takenAway == 0 ? told : told + "; " + takenAway + " that the statement made of them are removed";
    }

    private static void add(List<String> words, long count, String what) {
        if (count > 0) {
            words.add(count + " " + what);
        }
    }
}
