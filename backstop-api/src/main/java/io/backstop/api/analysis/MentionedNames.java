package io.backstop.api.analysis;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * Every name and every operator that stands anywhere in a statement, whatever it means there: a name that can run code may
 * stand in any place of the grammar. Names are folded if unquoted, decoded, and not cut to the length that the server keeps,
 * which depends on its encoding. Two are equal if they hold the same. Immutable, thread-safe.
 */
public final class MentionedNames {
    public static final MentionedNames NONE = new Builder().build();

    private static final byte CALLED = 1;
    private static final byte BEHIND_DOT = 2;
    private static final byte KEYWORD = 4;

    private final String[] names;
    private final byte[] facts;
    private final Set<String> operators;
    private final boolean casts;
    private final int hash;

    private MentionedNames(Map<String, Byte> mentions, Set<String> operators, boolean casts) {
        this.names = mentions.keySet().toArray(String[]::new);
        this.facts = new byte[names.length];
        int i = 0;
        for (byte fact : mentions.values()) {
            facts[i++] = fact;
        }
        this.operators = Set.copyOf(operators);
        this.casts = casts;
        this.hash = 31 * Arrays.hashCode(names) + Arrays.hashCode(facts) + 31 * this.operators.hashCode();
    }

    /** The number of different names. */
    public int size() {
        return names.length;
    }

    /** The name at an index from 0. */
    public String name(int index) {
        return names[index];
    }

    /** Whether it stands before an opening parenthesis at least once. */
    public boolean called(int index) {
        return (facts[index] & CALLED) != 0;
    }

    /** Whether it stands behind a dot at least once, where it can call a function of one argument (documentation, 8.16.5). */
    public boolean behindDot(int index) {
        return (facts[index] & BEHIND_DOT) != 0;
    }

    /** Whether it is a key word each time. */
    public boolean keyword(int index) {
        return (facts[index] & KEYWORD) != 0;
    }

    /** Whether a name stands anywhere, as a key word or not. */
    public boolean contains(String name) {
        for (String each : names) {
            if (each.equals(name)) {
                return true;
            }
        }
        return false;
    }

    /** The operators as written. */
    public Set<String> operators() {
        return operators;
    }

    /** Whether a value is cast, by {@code ::} or a word that does so. */
    public boolean casts() {
        return casts;
    }

    /** What stands in this or in the other. */
    public MentionedNames and(MentionedNames other) {
        if (equals(other)) {
            return this;
        }
        Builder both = new Builder();
        both.addAll(this);
        both.addAll(other);
        return both.build();
    }

    /** About the memory that it takes, in bytes. */
    public int weight() {
        int weight = 64 + 48 * operators.size();
        for (String name : names) {
            weight += 64 + 2 * name.length();
        }
        return weight;
    }

    @Override
    public boolean equals(Object other) {
        return this == other
                || (other instanceof MentionedNames that
                        && hash == that.hash
                        && casts == that.casts
                        && Arrays.equals(names, that.names)
                        && Arrays.equals(facts, that.facts)
                        && operators.equals(that.operators));
    }

    @Override
    public int hashCode() {
        return hash;
    }

    @Override
    public String toString() {
        return Arrays.toString(names) + operators;
    }

    /** Takes names as they come; confined to one thread. */
    public static final class Builder {
        private final Map<String, Byte> mentions = new LinkedHashMap<>();
        private final Set<String> operators = new LinkedHashSet<>(4);
        private boolean casts;

        /** Adds a name where it stands. */
        public void name(String name, boolean called, boolean behindDot, boolean keyword) {
            byte fact = (byte) ((called ? CALLED : 0) | (behindDot ? BEHIND_DOT : 0) | (keyword ? KEYWORD : 0));
            mentions.merge(Objects.requireNonNull(name, "name"), fact, Builder::both);
        }

        void addAll(MentionedNames all) {
            for (int i = 0; i < all.size(); i++) {
                mentions.merge(all.names[i], all.facts[i], Builder::both);
            }
            operators.addAll(all.operators);
            casts |= all.casts;
        }

        private static byte both(byte one, byte other) {
            return (byte) (((one | other) & ~KEYWORD) | (one & other & KEYWORD));
        }

        public void operator(String operator) {
            operators.add(operator);
        }

        public void cast() {
            casts = true;
        }

        public MentionedNames build() {
            return new MentionedNames(mentions, operators, casts);
        }
    }
}
