package io.backstop.jdbc.policy;

import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.policy.BlockedOperations;
import io.backstop.api.policy.WriteBudget;
import org.jspecify.annotations.Nullable;

import java.math.BigInteger;
import java.time.Duration;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The values of a policy file by key, each with its line, and the checks that they are what the key takes. */
final class PolicyValues {
    /** Stands for a JSON value that no key takes: null, or a number with a fraction. */
    static final Object OTHER = new Object();

    private static final Set<String> BUDGET_KEYS = Set.of("rows", "percent", "window_seconds");

    private final String name;
    private final Map<PolicyKey, Value> values = new EnumMap<>(PolicyKey.class);

    PolicyValues(String name) {
        this.name = name;
    }

    void put(PolicyKey key, int line, Object value) {
        values.put(key, new Value(line, value));
    }

    boolean flag(PolicyKey key, boolean otherwise) throws InvalidPolicyException {
        Value value = values.get(key);
        if (value == null) {
            return otherwise;
        }
        if (value.json() instanceof Boolean flag) {
            return flag;
        }
        throw invalid(key, value, "true or false");
    }

    long number(PolicyKey key, long otherwise, long least, long most) throws InvalidPolicyException {
        Value value = values.get(key);
        if (value == null) {
            return otherwise;
        }
        if (value.json() instanceof BigInteger number
                && number.compareTo(BigInteger.valueOf(least)) >= 0
                && number.compareTo(BigInteger.valueOf(most)) <= 0) {
            return number.longValueExact();
        }
        throw invalid(key, value, "a whole number from " + least + " to " + most);
    }

    Duration seconds(PolicyKey key, Duration otherwise, long most) throws InvalidPolicyException {
        return Duration.ofSeconds(number(key, otherwise.toSeconds(), 1, most));
    }

    Set<String> names(PolicyKey key, Set<String> otherwise) throws InvalidPolicyException {
        Value value = values.get(key);
        return value == null ? otherwise : names(key, value, value.json(), "a list of names");
    }

    Map<String, Set<String>> namesByName(PolicyKey key, Map<String, Set<String>> otherwise)
            throws InvalidPolicyException {
        String expected = "an object of lists of names";
        Value value = values.get(key);
        if (value == null) {
            return otherwise;
        }
        if (!(value.json() instanceof Map<?, ?> object)) {
            throw invalid(key, value, expected);
        }
        Map<String, Set<String>> lists = new LinkedHashMap<>();
        for (Map.Entry<?, ?> entry : object.entrySet()) {
            lists.put(entry.getKey().toString(), names(key, value, entry.getValue(), expected));
        }
        return lists;
    }

    BlockedOperations operations(PolicyKey key, BlockedOperations otherwise) throws InvalidPolicyException {
        Value value = values.get(key);
        if (value == null) {
            return otherwise;
        }
        BlockedOperations operations = BlockedOperations.NONE;
        for (String name : names(key, value, value.json(), "a list of names")) {
            String operation = name.strip().toUpperCase(Locale.ROOT).replaceAll("\\s+", " ");
            operations = operations.and(BlockedOperations.named(operation)
                    .orElseThrow(() -> invalid(
                            key,
                            value,
                            "a list of names of operations, and \"" + name + "\" is none"
                                    + OperationNames.suggestion(operation))));
        }
        return operations;
    }

    Set<RiskLevel> risks(PolicyKey key, Set<RiskLevel> otherwise) throws InvalidPolicyException {
        Value value = values.get(key);
        if (value == null) {
            return otherwise;
        }
        String expected = "a list of WRITE, HIGH and CRITICAL";
        Set<RiskLevel> risks = new LinkedHashSet<>();
        for (String risk : names(key, value, value.json(), expected)) {
            risks.add(
                    switch (risk) {
                        case "WRITE" -> RiskLevel.WRITE;
                        case "HIGH" -> RiskLevel.HIGH;
                        case "CRITICAL" -> RiskLevel.CRITICAL;
                        default -> throw invalid(key, value, expected);
                    });
        }
        return risks;
    }

    /** What the object leaves out has the values of {@link WriteBudget#defaults()}. */
    Optional<WriteBudget> budget(PolicyKey key, Optional<WriteBudget> otherwise, long mostSeconds)
            throws InvalidPolicyException {
        String expected =
                "\"none\", or an object with rows, percent (1 to 100) and window_seconds (1 to " + mostSeconds + ")";
        Value value = values.get(key);
        if (value == null) {
            return otherwise;
        }
        if ("none".equals(value.json())) {
            return Optional.empty();
        }
        if (!(value.json() instanceof Map<?, ?> object) || !BUDGET_KEYS.containsAll(object.keySet())) {
            throw invalid(key, value, expected);
        }
        WriteBudget defaults = WriteBudget.defaults();
        return Optional.of(new WriteBudget(
                part(key, value, object.get("rows"), defaults.rows(), Long.MAX_VALUE, expected),
                (int) part(key, value, object.get("percent"), defaults.percent(), 100, expected),
                Duration.ofSeconds(part(
                        key,
                        value,
                        object.get("window_seconds"),
                        defaults.window().toSeconds(),
                        mostSeconds,
                        expected))));
    }

    private long part(PolicyKey key, Value value, @Nullable Object part, long otherwise, long most, String expected)
            throws InvalidPolicyException {
        if (part == null) {
            return otherwise;
        }
        if (part instanceof BigInteger number
                && number.signum() > 0
                && number.compareTo(BigInteger.valueOf(most)) <= 0) {
            return number.longValueExact();
        }
        throw invalid(key, value, expected);
    }

    /** One of an enum's constants, written in lower case. */
    <E extends Enum<E>> E choice(PolicyKey key, Class<E> type, E otherwise) throws InvalidPolicyException {
        Value value = values.get(key);
        if (value == null) {
            return otherwise;
        }
        List<E> choices = List.of(type.getEnumConstants());
        for (E choice : choices) {
            if (written(choice).equals(value.json())) {
                return choice;
            }
        }
        List<String> quoted =
                choices.stream().map(choice -> '"' + written(choice) + '"').toList();
        int last = quoted.size() - 1;
        throw invalid(key, value, String.join(", ", quoted.subList(0, last)) + " or " + quoted.get(last));
    }

    private static String written(Enum<?> choice) {
        return choice.name().toLowerCase(Locale.ROOT);
    }

    private Set<String> names(PolicyKey key, Value value, Object json, String expected) throws InvalidPolicyException {
        if (!(json instanceof List<?> list)) {
            throw invalid(key, value, expected);
        }
        Set<String> names = new LinkedHashSet<>();
        for (Object element : list) {
            if (!(element instanceof String text) || text.isBlank()) {
                throw invalid(key, value, expected);
            }
            names.add(text);
        }
        return names;
    }

    private InvalidPolicyException invalid(PolicyKey key, Value value, String expected) {
        return new InvalidPolicyException(
                "policy " + name + ", line " + value.line() + ": \"" + key.key() + "\" has to be " + expected);
    }

    /** A value of a key that the file has, which another one rules out. */
    InvalidPolicyException conflict(PolicyKey key, String why) {
        Value value = values.get(key);
        int line = value == null ? 1 : value.line();
        return new InvalidPolicyException("policy " + name + ", line " + line + ": \"" + key.key() + "\": " + why);
    }

    private record Value(int line, Object json) {}
}
