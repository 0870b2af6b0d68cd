package io.backstop.jdbc.internal.pipeline.session;

import io.backstop.api.analysis.RelationName;

import java.time.Clock;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Which tables names mean to a session, from one statement to the next where that is known to change neither its settings nor
 * definitions. What others redefine in another process is seen after a second. To be used within the session's turn.
 */
public final class ResolvedTables {
    private static final Duration YOUNG = Duration.ofSeconds(1);

    private final Map<RelationName, Resolved> tables = new HashMap<>();
    private boolean kept;

    /** @param definitions how often something was defined by then in this process */
    private record Resolved(long oid, long definitions, ReadAt at) {}

    void beginTurn() {
        if (!kept) {
            tables.clear();
        }
        kept = false;
    }

    void forget() {
        tables.clear();
    }

    /** To be told that the statement of this turn changes neither. */
    public void keep() {
        kept = true;
    }

    /** The table's oid, where it is still known. */
    public Optional<Long> find(RelationName name, long definitions, Clock clock) {
        return Optional.ofNullable(tables.get(name))
                .filter(known ->
                        known.definitions() == definitions && known.at().isWithin(YOUNG, clock))
                .map(Resolved::oid);
    }

    /** Keeps in mind which it is. */
    public void put(RelationName name, long oid, long definitions, Clock clock) {
        tables.put(name, new Resolved(oid, definitions, ReadAt.now(clock)));
    }
}
