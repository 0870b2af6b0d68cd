package io.backstop.jdbc.internal.pipeline.impact;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.analysis.StatementAssessment;
import io.backstop.api.analysis.Target;
import io.backstop.jdbc.internal.pipeline.session.GuardedSession;

import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Knows of each database which writes run code of the user's, and so may change other tables than they name. Read from the
 * catalog once in a while, and again after a change of the schema; a session that has changed the schema in its own
 * transaction reads it for itself. Thread-safe.
 */
public final class CodeOnWrite {
    /** How long another session's new trigger may go unnoticed. */
    private static final Duration FRESH = Duration.ofSeconds(30);

    /** Commands that insert, and may do nothing else. */
    private static final Set<CommandTag> INSERTING = Set.of(CommandTag.INSERT, CommandTag.MERGE, CommandTag.COPY_FROM);

    private final Map<String, Known> byDatabase = new ConcurrentHashMap<>();
    private final Clock clock;

    public CodeOnWrite(Clock clock) {
        this.clock = clock;
    }

    /** What is known of the session's database. */
    public Facts of(GuardedSession session) throws SQLException {
        if (session.schemaChanged()) {
            return CodeOnWriteReader.read(session.connection());
        }
        Known known = byDatabase.get(session.database());
        if (known == null || known.readAt().plus(FRESH).isBefore(clock.instant())) {
            known = new Known(clock.instant(), CodeOnWriteReader.read(session.connection()));
            byDatabase.put(session.database(), known);
        }
        return known.facts();
    }

    /** After what may have changed the schema. */
    public void forget(GuardedSession session) {
        session.changedSchema();
        byDatabase.remove(session.database());
    }

    /** Whether it inserts rows. */
    static boolean inserts(Assessment assessment) {
        return assessment.statements().stream().anyMatch(statement -> statement.holdsAny(INSERTING));
    }

    private record Known(Instant readAt, Facts facts) {}

    /**
     * What runs code of the user's in one database. Names are compared without their schema, so that no search path hides one.
     * Immutable.
     *
     * @param onInsert relations that run such code when a row is inserted, views among them
     * @param triggers the functions of the triggers of each relation; the empty name stands for a rule
     * @param deferrable whether a trigger may wait for the commit
     * @param uncountable functions and procedures that change what no counter of their session shows, and why
     */
    public record Facts(
            Set<String> onInsert,
            Map<String, Set<String>> triggers,
            boolean deferrable,
            Map<String, String> uncountable) {
        public Facts {
            onInsert = Set.copyOf(onInsert);
            triggers = Map.copyOf(triggers);
            uncountable = Map.copyOf(uncountable);
        }

        /** Whether an INSERT in it sets something off. */
        boolean fires(Assessment assessment) {
            return assessment.statements().stream()
                    .filter(statement -> statement.holdsAny(INSERTING))
                    .flatMap(statement -> statement.targets().stream())
                    .anyMatch(target -> onInsert.contains(target.name().name()));
        }

        boolean firesSomewhere() {
            return !triggers.isEmpty();
        }

        boolean hasTrigger(String relation) {
            return triggers.containsKey(relation);
        }

        /** Why what it runs cannot be counted, by a function that it calls or a trigger that it sets off. */
        Optional<String> uncountableIn(Assessment assessment) {
            if (uncountable.isEmpty()) {
                return Optional.empty();
            }
            for (StatementAssessment statement : assessment.statements()) {
                for (String function : statement.functions()) {
                    String name = function.substring(function.lastIndexOf('.') + 1);
                    if (uncountable.containsKey(name)) {
                        return Optional.of("function " + name + " " + uncountable.get(name));
                    }
                }
                for (Target target : statement.targets()) {
                    Optional<String> trigger = uncountableOn(target.name());
                    if (trigger.isPresent()) {
                        return trigger;
                    }
                }
            }
            return Optional.empty();
        }

        private Optional<String> uncountableOn(RelationName table) {
            return triggers.getOrDefault(table.name(), Set.of()).stream()
                    .filter(uncountable::containsKey)
                    .findFirst()
                    .map(name -> "a trigger of " + table.name() + " runs function " + name + ", which "
                            + uncountable.get(name));
        }
    }
}
