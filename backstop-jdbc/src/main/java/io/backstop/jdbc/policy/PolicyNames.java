package io.backstop.jdbc.policy;

import io.backstop.api.analysis.RelationName;

import java.nio.charset.StandardCharsets;
import java.util.regex.Pattern;

/**
 * Compares the names of a policy with those of statements as any server would, whatever its encoding: one with single bytes
 * folds letters beyond ASCII too, and each cuts a name at 63 bytes of its own encoding. Where servers differ, the names match.
 * Stateless, thread-safe.
 */
public final class PolicyNames {
    /** A name from this length on, in bytes of UTF-8, may have been cut before a character of up to four bytes. */
    private static final int MAYBE_CUT = 60;

    private static final int FIRST_BEYOND_ASCII = 128;

    /** A byte beyond ASCII as encode(…, 'escape') writes it (PostgreSQL documentation, 9.5). */
    private static final Pattern BYTE = Pattern.compile("\\\\[23][0-7]{2}");

    private static final char ANY_BYTE = '?';

    private PolicyNames() {}

    /**
     * Whether a name of the policy can mean this relation. One without a schema means it in every schema, on either side. A
     * server in SQL_ASCII may fold single bytes of a name, which can only be told as escapes then: these may be any others.
     */
    public static boolean means(String policyName, RelationName relation) {
        return BYTE.matcher(relation.toString()).find()
                ? meansLegible(anyBytes(policyName), relation)
                : meansLegible(policyName, relation);
    }

    private static String anyBytes(String policyName) {
        StringBuilder any = new StringBuilder();
        for (byte each : policyName.getBytes(StandardCharsets.UTF_8)) {
            any.append(each < 0 ? ANY_BYTE : (char) each);
        }
        return any.toString();
    }

    private static String legible(String escaped) {
        return BYTE.matcher(escaped).replaceAll(String.valueOf(ANY_BYTE));
    }

    private static boolean meansLegible(String policyName, RelationName escaped) {
        RelationName relation = escaped.schema()
                .map(schema -> RelationName.of(legible(schema), legible(escaped.name())))
                .orElseGet(() -> RelationName.of(legible(escaped.name())));
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

    /** The table of a policy's name in this schema, however the policy wrote the schema. */
    static RelationName inSchema(String schema, String policyName) {
        return RelationName.of(schema, lastPart(policyName));
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
