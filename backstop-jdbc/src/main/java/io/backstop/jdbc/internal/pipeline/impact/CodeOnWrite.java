package io.backstop.jdbc.internal.pipeline.impact;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.CommandTag;
import io.backstop.jdbc.internal.pipeline.session.GuardedSession;
import io.backstop.jdbc.internal.pipeline.session.ReadAt;

import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.util.Map;
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
    Facts of(GuardedSession session) throws SQLException {
        if (session.schemaChanged()) {
            return CodeOnWriteReader.read(session);
        }
        Known known = byDatabase.get(session.database());
        if (known == null || !known.readAt().isWithin(FRESH, clock)) {
            known = new Known(ReadAt.now(clock), CodeOnWriteReader.read(session));
            if (!session.seesCatalogAsItWas()) {
                byDatabase.put(session.database(), known);
            }
        }
        return known.facts();
    }

    /** After what may have changed the schema. */
    public void forget(GuardedSession session) {
        session.changedSchema();
        byDatabase.remove(session.database());
    }

    /** What is known of the session's database is no longer so. */
    public void outdated(GuardedSession session) {
        byDatabase.remove(session.database());
    }

    /** Whether it inserts rows. */
    static boolean inserts(Assessment assessment) {
        return assessment.statements().stream().anyMatch(statement -> statement.holdsAny(INSERTING));
    }

    private record Known(ReadAt readAt, Facts facts) {}

    /**
     * What runs code of the user's in one database. Names are compared without their schema, so that no search path hides one.
     * Immutable.
     *
     * @param onInsert relations that run such code when a row is inserted, views among them
     * @param triggers the functions of the triggers of each relation; the empty name stands for a rule
     * @param deferrable whether code may wait for the commit
     * @param leaving what leads to code that changes what no counter of its session shows
     * @param building what leads to code that runs text which it puts together
     * @param elsewhere what leads to foreign tables
     */
    record Facts(
            Set<String> onInsert,
            Map<String, Set<String>> triggers,
            boolean deferrable,
            UncountableReach leaving,
            UncountableReach building,
            UncountableReach elsewhere) {
        Facts {
            onInsert = Set.copyOf(onInsert);
            triggers = Map.copyOf(triggers);
        }

        /** Whether an INSERT in it sets something off. */
        boolean fires(Assessment assessment) {
            return assessment.statements().stream()
                    .filter(statement -> statement.holdsAny(INSERTING))
                    .flatMap(statement -> statement.targets().stream())
                    .map(target -> target.name().name())
                    .anyMatch(
                            table -> onInsert.contains(table) || leaving.leadsAway(table) || building.leadsAway(table));
        }

        boolean firesSomewhere() {
            return !triggers.isEmpty();
        }

        /** Whether a write to a relation of this name is known to run something. */
        boolean firesOn(String relation) {
            return hasTrigger(relation)
                    || onInsert.contains(relation)
                    || leaving.leadsAway(relation)
                    || building.leadsAway(relation);
        }

        boolean hasTrigger(String relation) {
            return triggers.containsKey(relation);
        }
    }
}
