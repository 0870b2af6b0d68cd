package io.backstop.api.policy;

import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.Destruction;

import java.util.Arrays;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * The operations that a policy blocks. Immutable, thread-safe.
 *
 * @param commands commands, which also stand for the destruction that is named like them
 * @param explained commands of which EXPLAIN ANALYZE is blocked
 * @param unrecoverable whether {@link Destruction.Kind#UNRECOVERABLE} is blocked
 */
public record BlockedOperations(Set<CommandTag> commands, Set<CommandTag> explained, boolean unrecoverable) {
    public static final BlockedOperations NONE = of();

    private static final String UNRECOVERABLE = Destruction.Kind.UNRECOVERABLE.text();

    public BlockedOperations {
        commands = Set.copyOf(commands);
        explained = Set.copyOf(explained);
    }

    public static BlockedOperations of(CommandTag... commands) {
        return new BlockedOperations(Set.of(commands), Set.of(), false);
    }

    /**
     * One name of the policy file, in upper case with single spaces: the text of a command, {@code EXPLAIN ANALYZE}
     * and one, or {@code UNRECOVERABLE}. Empty where it is none of them.
     */
    public static Optional<BlockedOperations> named(String name) {
        if (name.equals(UNRECOVERABLE)) {
            return Optional.of(new BlockedOperations(Set.of(), Set.of(), true));
        }
        return CommandTag.of(name)
                .map(BlockedOperations::of)
                .or(() -> Arrays.stream(CommandTag.values())
                        .filter(command -> command.explained().equals(name))
                        .findFirst()
                        .map(command -> new BlockedOperations(Set.of(), Set.of(command), false)));
    }

    /** These and those. */
    public BlockedOperations and(BlockedOperations others) {
        return new BlockedOperations(
                union(commands, others.commands),
                union(explained, others.explained),
                unrecoverable || others.unrecoverable);
    }

    private static Set<CommandTag> union(Set<CommandTag> some, Set<CommandTag> others) {
        Set<CommandTag> all = new HashSet<>(some);
        all.addAll(others);
        return all;
    }

    /** The names as the policy file writes them. */
    public Set<String> names() {
        Set<String> names = commands.stream().map(CommandTag::text).collect(Collectors.toCollection(TreeSet::new));
        explained.stream().map(CommandTag::explained).forEach(names::add);
        if (unrecoverable) {
            names.add(UNRECOVERABLE);
        }
        return names;
    }
}
