package io.backstop.jdbc.policy;

import io.backstop.api.analysis.RelationName;

import java.nio.charset.StandardCharsets;

/**
 * Compares the names of a policy with those of statements as any server would, whatever its encoding: one with single bytes
 * folds letters beyond ASCII too, and each cuts a name at 63 bytes of its own encoding. Where servers differ, the names match.
 * Stateless, thread-safe.
 */
public final class PolicyNames {
    /** A name from this length on, in bytes of UTF-8, may have been cut before a character of up to four bytes. */
    private static final int MAYBE_CUT = 60;

    private static final int FIRST_BEYOND_ASCII = 128;

    private PolicyNames() {}

    /** Whether a name of the policy can mean this relation. One without a schema means it in every schema, on either side. */
    public static boolean means(String policyName, RelationName relation) {
        String policy = fold(policyName);
        String name = fold(relation.name());
        String qualified = fold(relation.toString());
        return policy.equals(name)
                || policy.equals(qualified)
                || (relation.schema().isEmpty() && policy.endsWith("." + name))
                || (maybeCut(relation.name()) && lastPart(policy).startsWith(name));
    }

    /** Whether a name of the policy says that its table is in this schema. */
    static boolean isIn(String policyName, String schema) {
        String policy = fold(policyName);
        return policy.startsWith(fold(schema) + ".")
                || (maybeCut(schema) && policy.indexOf('.') > 0 && policy.startsWith(fold(schema)));
    }

    /** Whether a name of the policy can mean this column. */
    public static boolean meansColumn(String policyName, String column) {
        return fold(policyName).equals(fold(column))
                || (maybeCut(column) && fold(policyName).startsWith(fold(column)));
    }

    private static String lastPart(String name) {
        return name.substring(name.indexOf('.') + 1);
    }

    private static boolean maybeCut(String name) {
        return name.length() * 3 >= MAYBE_CUT && name.getBytes(StandardCharsets.UTF_8).length >= MAYBE_CUT;
    }

    /** ASCII letters are as they are: in quotes they are not folded. */
    private static String fold(String name) {
        if (name.chars().allMatch(c -> c < FIRST_BEYOND_ASCII)) {
            return name;
        }
        StringBuilder folded = new StringBuilder(name.length());
        name.codePoints()
                .map(c -> c < FIRST_BEYOND_ASCII ? c : Character.toLowerCase(Character.toUpperCase(c)))
                .forEach(folded::appendCodePoint);
        return folded.toString();
    }
}
