package io.backstop.server.internal.http;

import io.backstop.api.analysis.RiskLevel;
import io.javalin.http.Context;

import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;

/**
 * The query parameters of a request. An unknown, empty or repeated parameter is refused: a misspelt filter must not
 * look like one that matched everything. Immutable, thread-safe.
 */
public final class QueryParameters {
    private final Map<String, List<String>> values;

    private QueryParameters(Map<String, List<String>> values) {
        this.values = values;
    }

    /**
     * Reads the parameters of a request.
     *
     * @param known the names that this endpoint knows
     * @throws RequestRefusedException with 400 if another one is there, or one is empty or repeated
     */
    public static QueryParameters of(Context request, String... known) throws RequestRefusedException {
        Map<String, List<String>> values = request.queryParamMap();
        if (!List.of(known).containsAll(values.keySet())) {
            throw RequestRefusedException.badRequest(
                    known.length == 0
                            ? "this endpoint takes no parameters"
                            : "unknown parameter; known here: " + String.join(", ", new TreeSet<>(List.of(known))));
        }
        for (Map.Entry<String, List<String>> value : values.entrySet()) {
            if (value.getValue().size() != 1 || value.getValue().get(0).isBlank()) {
                throw RequestRefusedException.badRequest(
                        "the parameter " + value.getKey() + " has to be there once, with a value");
            }
        }
        return new QueryParameters(values);
    }

    public Optional<String> text(String name) {
        return Optional.ofNullable(values.get(name)).map(list -> list.get(0));
    }

    /** A number between 1 and {@code most}; {@code otherwise} if the parameter is missing. */
    public int number(String name, int otherwise, int most) throws RequestRefusedException {
        Optional<String> text = text(name);
        if (text.isEmpty()) {
            return otherwise;
        }
        // parseInt accepts a plus and digits of other scripts; the pattern does not, nor more digits than an int holds.
        int number = text.get().matches("[0-9]{1,9}") ? Integer.parseInt(text.get()) : 0;
        if (number < 1 || number > most) {
            throw RequestRefusedException.badRequest(
                    "the parameter " + name + " has to be a whole number between 1 and " + most);
        }
        return number;
    }

    /** {@code true} or {@code false}; {@code otherwise} if the parameter is missing. */
    public boolean flag(String name, boolean otherwise) throws RequestRefusedException {
        String text = text(name).orElse(String.valueOf(otherwise));
        if (!text.equals("true") && !text.equals("false")) {
            throw RequestRefusedException.badRequest("the parameter " + name + " has to be true or false");
        }
        return text.equals("true");
    }

    public Optional<RiskLevel> risk(String name) throws RequestRefusedException {
        Optional<String> text = text(name);
        if (text.isEmpty()) {
            return Optional.empty();
        }
        try {
            return Optional.of(RiskLevel.valueOf(text.get().toUpperCase(Locale.ROOT)));
        } catch (IllegalArgumentException e) {
            throw RequestRefusedException.badRequest(
                    "the parameter " + name + " has to be SAFE, WRITE, HIGH or CRITICAL");
        }
    }

    public Optional<Instant> instant(String name) throws RequestRefusedException {
        Optional<String> text = text(name);
        if (text.isEmpty()) {
            return Optional.empty();
        }
        try {
            return Optional.of(Instant.parse(text.get()));
        } catch (DateTimeParseException e) {
            throw RequestRefusedException.badRequest(
                    "the parameter " + name + " has to be a time like 2026-05-06T12:29:00Z (a + in it is written %2B)");
        }
    }
}
