package io.backstop.jdbc.policy;

import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.policy.BlockedOperations;

import java.math.BigInteger;
import java.time.Duration;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** The values of a policy file by key, each with its line, and the checks that they are what the key takes. */
final class PolicyValues {
    /** Stands for a JSON value that no key takes: null, or a number with a fraction. */
    static final Object OTHER = new Object();

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

    private record Value(int line, Object json) {}
}
