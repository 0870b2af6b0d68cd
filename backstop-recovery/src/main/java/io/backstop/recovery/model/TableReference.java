package io.backstop.recovery.model;

import io.backstop.api.analysis.RelationName;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A table by the name that a user typed. The name is read as PostgreSQL reads it ({@code users}, {@code public.users},
 * {@code "Users"}); if that names nothing, its letters are taken as they are, because a shell may have removed the
 * quotes. Immutable, thread-safe.
 */
public final class TableReference {
    private static final Pattern PLAIN = Pattern.compile("[a-z_][a-z0-9_$]*");

    private static final Pattern PART = Pattern.compile("\"((?:[^\"]|\"\")+)\"|([^\".]+)");

    private final String text;
    private final List<RelationName> readings;

    private TableReference(String text, List<RelationName> readings) {
        this.text = text;
        this.readings = readings;
    }

    /** @throws RecoveryException where the text is blank */
    public static TableReference parse(String text) throws RecoveryException {
        List<RelationName> readings = new ArrayList<>();
        reading(text, TableReference::folded).ifPresent(readings::add);
        reading(text, part -> part).ifPresent(readings::add);
        readings.add(RelationName.of(text));
        if (text.isBlank()) {
            throw new RecoveryException("no table is named", "give its name, with its schema if it is in several");
        }
        return new TableReference(text, readings);
    }

    /** The name as PostgreSQL reads it, for a table that nothing else is known of. */
    public RelationName name() {
        return readings.get(0);
    }

    /** Whether the table may be the one that is meant. */
    public boolean matches(RelationName table) {
        return readings.stream().anyMatch(reading -> isNamed(reading, table));
    }

    private static boolean isNamed(RelationName reading, RelationName table) {
        return table.name().equals(reading.name())
                && (reading.schema().isEmpty() || reading.schema().equals(table.schema()));
    }

    /**
     * The only one of the tables that the name can mean.
     *
     * @param broken what is wrong with snapshots that are not among the tables' own
     */
    public RelationName among(Collection<RelationName> tables, List<String> broken) throws RecoveryException {
        for (RelationName reading : readings) {
            List<RelationName> found = tables.stream()
                    .filter(table -> isNamed(reading, table))
                    .distinct()
                    .toList();
            if (found.size() > 1) {
                throw new RecoveryException(
                        "table " + text + " has snapshots in several schemas: " + listed(found),
                        "name it with its schema");
            }
            if (!found.isEmpty()) {
                return found.get(0);
            }
        }
        String hint = tables.isEmpty()
                ? "this storage holds no snapshot with a valid manifest; see whether it is the right one"
                : "there are snapshots of " + listed(tables);
        throw new RecoveryException(
                "table " + text + " has no snapshot",
                broken.isEmpty() ? hint : hint + "; passed over were: " + String.join("; ", broken));
    }

    @Override
    public String toString() {
        return text;
    }

    private static String listed(Collection<RelationName> tables) {
        return String.join(
                ", ",
                tables.stream().map(TableReference::typed).distinct().sorted().toList());
    }

    /** As a caller may type it. */
    private static String typed(RelationName table) {
        return Stream.concat(table.schema().stream(), Stream.of(table.name()))
                        .allMatch(part -> PLAIN.matcher(part).matches())
                ? table.toString()
                : table.quoted();
    }

    /** {@code name} or {@code schema.name}; empty where the text is neither. */
    private static Optional<RelationName> reading(String text, UnaryOperator<String> unquoted) {
        List<String> parts = new ArrayList<>();
        Matcher matcher = PART.matcher(text);
        int position = 0;
        while (matcher.region(position, text.length()).lookingAt()) {
            parts.add(
                    matcher.group(1) != null
                            ? matcher.group(1).replace("\"\"", "\"")
                            : unquoted.apply(matcher.group(2)));
            position = matcher.end();
            if (position == text.length()) {
                return switch (parts.size()) {
                    case 1 -> Optional.of(RelationName.of(parts.get(0)));
                    case 2 -> Optional.of(RelationName.of(parts.get(0), parts.get(1)));
                    default -> Optional.empty();
                };
            }
            if (text.charAt(position) != '.') {
                return Optional.empty();
            }
            position++;
        }
        return Optional.empty();
    }

    /** As the server folds: ASCII letters alone (PostgreSQL documentation, 4.1.1). */
    private static String folded(String part) {
        StringBuilder folded = new StringBuilder();
        part.strip().chars().forEach(c -> folded.append((char) (c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c)));
        return folded.toString();
    }
}
