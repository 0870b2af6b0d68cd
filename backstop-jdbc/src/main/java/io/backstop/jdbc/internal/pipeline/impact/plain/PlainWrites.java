package io.backstop.jdbc.internal.pipeline.impact.plain;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.RelationName;
import io.backstop.jdbc.internal.pipeline.session.GuardedSession;

import java.time.Duration;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * Remembers for a while of which tables a plain write was proved, so that it is not run in vain again where it was not. Only
 * time depends on it: whatever it says, each write is proved when it has run. Thread-safe.
 */
public final class PlainWrites {
    private static final int TABLES = 10_000;
    private static final Duration REMEMBERED = Duration.ofSeconds(30);

    private final Cache<Table, Boolean> proved = Caffeine.newBuilder()
            .maximumSize(TABLES)
            .expireAfterWrite(REMEMBERED)
            .build();

    /** A table by its name in a text. */
    private record Table(String database, RelationName name) {}

    /**
     * The write, if it is worth trying.
     *
     * @param firing whether something of the user's is known to run by writes to a table of this name
     */
    public Optional<PlainWrite> find(GuardedSession session, Assessment assessment, Predicate<String> firing) {
        return PlainWrite.of(assessment)
                .filter(write -> !firing.test(write.table().name()))
                .filter(write ->
                        !Boolean.FALSE.equals(proved.getIfPresent(new Table(session.database(), write.table()))));
    }

    /** What came of it. */
    public void remember(GuardedSession session, PlainWrite write, boolean wasProved) {
        proved.put(new Table(session.database(), write.table()), wasProved);
    }
}
