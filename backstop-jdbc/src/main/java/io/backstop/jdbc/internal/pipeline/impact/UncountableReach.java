package io.backstop.jdbc.internal.pipeline.impact;

import io.backstop.api.analysis.MentionedNames;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.analysis.StatementAssessment;
import io.backstop.api.analysis.Target;
import io.backstop.jdbc.internal.analysis.detail.WordsOfText;
import io.backstop.jdbc.internal.analysis.rule.EvaluatingCommands;
import io.backstop.jdbc.internal.pipeline.catalog.Dependencies;
import io.backstop.jdbc.internal.pipeline.catalog.Dependencies.Dependency;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Which names lead to code or tables whose effects no counter shows, and how: by the bodies of functions, and by what the
 * catalog records. Names are compared without their schema. Immutable, thread-safe.
 *
 * @param called functions, operators, casts, types, views and tables that lead there when they are called or read, and how,
 *     in words of which they are the subject
 * @param written relations that lead there when they are written to
 */
record UncountableReach(Map<String, String> called, Map<String, String> written) {
    static final UncountableReach NONE = new UncountableReach(Map.of(), Map.of());

    private static final Set<String> WRITING = Set.of("insert", "update", "delete", "merge", "copy", "truncate");

    UncountableReach {
        called = Map.copyOf(called);
        written = Map.copyOf(written);
    }

    /**
     * What leads to these.
     *
     * @param called functions and relations with how they do what is not counted
     * @param written relations of which that is true when they are written to
     * @param bodies the words of all functions
     */
    static UncountableReach of(
            Map<String, String> called,
            Map<String, String> written,
            Map<String, Set<String>> bodies,
            List<Dependency> dependencies) {
        if (called.isEmpty() && written.isEmpty()) {
            return NONE;
        }
        Map<String, String> reading = new HashMap<>(called);
        Map<String, String> writing = new HashMap<>(written);
        boolean more = true;
        while (more) {
            more = false;
            for (Dependency each : dependencies) {
                more |= each.whenRead() && add(reading, each.user(), each.used(), reading);
                more |= add(writing, each.user(), each.used(), reading)
                        || add(writing, each.user(), each.used(), writing);
            }
            for (Map.Entry<String, Set<String>> body : bodies.entrySet()) {
                if (!reading.containsKey(body.getKey())) {
                    more |= addNamed(reading, body, reading)
                            || (body.getValue().stream().anyMatch(WRITING::contains)
                                    && addNamed(reading, body, writing));
                }
            }
        }
        return new UncountableReach(reading, writing);
    }

    private static boolean addNamed(
            Map<String, String> into, Map.Entry<String, Set<String>> body, Map<String, String> known) {
        Optional<String> named =
                body.getValue().stream().filter(known::containsKey).findFirst();
        return named.isPresent() && add(into, body.getKey(), named.get(), known);
    }

    private static boolean add(Map<String, String> into, String user, String used, Map<String, String> known) {
        String how = known.get(used);
        if (how == null || into.containsKey(user)) {
            return false;
        }
        into.put(user, "leads to " + used + ", which " + how);
        return true;
    }

    /** Whether a write to a table of this name leads there. */
    boolean leadsAway(String table) {
        return written.containsKey(table) || called.containsKey(table);
    }

    /**
     * How the statement leads there, in words of which what does so is the subject.
     *
     * @param byAnyName whether a name counts that the text only mentions, as that of a type; else what it calls, reads and
     *     writes to
     */
    Optional<String> of(StatementAssessment statement, boolean byAnyName) {
        if (written.isEmpty() && called.isEmpty()) {
            return Optional.empty();
        }
        for (String function : statement.functions()) {
            String name = function.substring(function.lastIndexOf('.') + 1);
            if (called.containsKey(name)) {
                return Optional.of("function " + name + " " + called.get(name));
            }
        }
        for (RelationName relation : statement.reads()) {
            if (called.containsKey(relation.name())) {
                return Optional.of(relation.name() + " " + called.get(relation.name()));
            }
        }
        for (Target target : statement.targets()) {
            String name = target.name().name();
            String how = written.getOrDefault(name, called.get(name));
            if (how != null) {
                return Optional.of("a write to " + name + " " + how);
            }
        }
        return mentioned(statement.mentions(), byAnyName)
                .or(this::converting)
                .or(() -> EvaluatingCommands.defines(statement.tag()) ? by(Dependencies.EVENT) : Optional.empty());
    }

    private Optional<String> mentioned(MentionedNames mentions, boolean byAnyName) {
        for (int i = 0; i < mentions.size(); i++) {
            if ((byAnyName || mentions.called(i)) && called.containsKey(mentions.name(i))) {
                return Optional.of(mentions.name(i) + " " + called.get(mentions.name(i)));
            }
        }
        for (String operator : mentions.operators()) {
            if (called.containsKey(operator)) {
                return Optional.of("operator " + operator + " " + called.get(operator));
            }
        }
        return mentions.casts() && called.containsKey(WordsOfText.CAST)
                ? Optional.of("a cast " + called.get(WordsOfText.CAST))
                : Optional.empty();
    }

    /** A conversion or comparison that no text shows may stand anywhere. */
    private Optional<String> converting() {
        return by(Dependencies.CONVERSION).or(() -> by(Dependencies.COMPARISON));
    }

    private Optional<String> by(String unnamed) {
        return Optional.ofNullable(called.get(unnamed)).map(how -> unnamed + " " + how);
    }

    /** How a text leads there by one of its words. */
    Optional<String> of(String text) {
        if (written.isEmpty() && called.isEmpty()) {
            return Optional.empty();
        }
        Set<String> words = WordsOfText.in(text);
        Map<String, String> known = words.stream().anyMatch(WRITING::contains) ? both() : called;
        return words.stream()
                .filter(known::containsKey)
                .findFirst()
                .map(word -> word + " " + known.get(word))
                .or(this::converting);
    }

    private Map<String, String> both() {
        Map<String, String> both = new HashMap<>(written);
        both.putAll(called);
        return both;
    }
}
