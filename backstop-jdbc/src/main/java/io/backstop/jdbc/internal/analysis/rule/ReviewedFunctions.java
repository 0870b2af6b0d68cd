package io.backstop.jdbc.internal.analysis.rule;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** The review of PostgreSQL's and its extensions' functions, which stands in two resources. Immutable, thread-safe. */
public final class ReviewedFunctions {
    private static final Pattern SPACE = Pattern.compile(" ");
    private static final Map<String, Optional<Rule>> BUILT_IN = builtIn();
    private static final Map<String, Set<String>> HARMLESS_OF_EXTENSIONS = harmlessOfExtensions();
    private static final Set<String> DANGEROUS = BUILT_IN.entrySet().stream()
            .filter(line -> line.getValue().isPresent())
            .map(Map.Entry::getKey)
            .collect(Collectors.toUnmodifiableSet());

    /** For pg_upgrade alone. */
    private static final String UPGRADE = "binary_upgrade_";

    private ReviewedFunctions() {}

    /** The rule that a call of a function in pg_catalog fires; empty where it is harmless, or was not reviewed. */
    static Optional<Rule> ruleOf(String builtIn) {
        return builtIn.startsWith(UPGRADE)
                ? Optional.of(Rule.ADMINISTRATIVE_FUNCTION)
                : BUILT_IN.getOrDefault(builtIn, Optional.empty());
    }

    /** Whether a function in pg_catalog has a line. */
    public static boolean holds(String builtIn) {
        return BUILT_IN.containsKey(builtIn) || builtIn.startsWith(UPGRADE);
    }

    /** Whether a function in pg_catalog has a line that says harmless. */
    public static boolean harmless(String builtIn) {
        return BUILT_IN.containsKey(builtIn) && !DANGEROUS.contains(builtIn);
    }

    /** The functions in pg_catalog whose call fires a rule. */
    public static Set<String> dangerous() {
        return DANGEROUS;
    }

    /** Whether a VOLATILE function of an extension is known to change nothing. */
    public static boolean harmless(String extension, String function) {
        return HARMLESS_OF_EXTENSIONS.getOrDefault(extension, Set.of()).contains(function);
    }

    private static Map<String, Optional<Rule>> builtIn() {
        Map<String, Optional<Rule>> rules = new HashMap<>();
        for (List<String> words : lines("built-in-functions.txt")) {
            Optional<Rule> rule = words.size() > 2
                    ? Optional.of(
                            Rule.valueOf(words.get(2).toUpperCase(Locale.ROOT).replace('-', '_')))
                    : FunctionEffect.of(words.get(1)).rule();
            rules.put(words.get(0), rule);
        }
        return Map.copyOf(rules);
    }

    private static Map<String, Set<String>> harmlessOfExtensions() {
        return lines("extension-functions.txt").stream()
                .collect(Collectors.toUnmodifiableMap(
                        words -> words.get(0), words -> Set.copyOf(words.subList(1, words.size()))));
    }

    /** The words of every line. */
    private static List<List<String>> lines(String resource) {
        try (InputStream stream = ReviewedFunctions.class.getResourceAsStream(resource)) {
            if (stream == null) {
                throw new IllegalStateException(resource + " is missing from the jar");
            }
            return new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8))
                    .lines()
                    .filter(line -> !line.isBlank() && !line.startsWith("#"))
                    .map(line -> SPACE.splitAsStream(line).toList())
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
