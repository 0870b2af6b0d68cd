package io.backstop.jdbc.internal.analysis.scan;

import java.util.Arrays;
import java.util.Locale;

/** Finds the key word in a stretch of text without making a string of it. Immutable, thread-safe. */
final class KeywordTable {
    private static final int MASK = 2047;
    private static final Keyword[] SLOTS = new Keyword[MASK + 1];
    private static final String[] WORDS = new String[MASK + 1];

    static {
        Arrays.fill(SLOTS, Keyword.NO_KEYWORD);
        Arrays.fill(WORDS, "");
        for (Keyword keyword : Keyword.values()) {
            if (keyword != Keyword.NO_KEYWORD) {
                place(keyword);
            }
        }
    }

    private KeywordTable() {}

    private static void place(Keyword keyword) {
        String word = keyword.name().toLowerCase(Locale.ROOT);
        int hash = 0;
        for (int i = 0; i < word.length(); i++) {
            hash = mix(hash, word.charAt(i));
        }
        int slot = spread(hash);
        while (SLOTS[slot] != Keyword.NO_KEYWORD) {
            slot = (slot + 1) & MASK;
        }
        SLOTS[slot] = keyword;
        WORDS[slot] = word;
    }

    static int mix(int hash, char lower) {
        return hash * 31 + lower;
    }

    private static int spread(int hash) {
        return (hash ^ (hash >>> 11)) & MASK;
    }

    /** The key word in {@code text[from, to)} whose folded characters hash to {@code hash}; NONE where there is none. */
    static Keyword find(String text, int from, int to, int hash) {
        for (int slot = spread(hash); SLOTS[slot] != Keyword.NO_KEYWORD; slot = (slot + 1) & MASK) {
            if (CharacterClasses.equalsFolded(text, from, to, WORDS[slot])) {
                return SLOTS[slot];
            }
        }
        return Keyword.NO_KEYWORD;
    }
}
