package io.backstop.api.snapshot;

import io.backstop.api.analysis.Destruction;
import io.backstop.api.analysis.RemovedDefinition;

import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * Asks for the snapshots that a statement needs, with the facts to record in them. Immutable, thread-safe.
 *
 * @param destructions what the statement takes away, as its text tells
 * @param companions tables to save along with them, {@code name} or {@code schema.name}
 * @param maxBytes the largest total size on disk of the tables, in bytes
 * @param recent where present, no rows are read: for each table a snapshot has to be there already whose rows were read no
 *     longer ago than this
 * @param database {@code host:port/name}
 * @param agentId who sends the statement
 * @param statementSha256 SHA-256 over the statement and its parameters
 * @param approvalId the approval that lets it run
 * @param callersTransaction whether the transaction goes on after the statement, so that whoever began it commits it, and
 *     what is deferred to the commit runs when nobody looks any more
 * @param definitions what the statement takes definitions from without taking rows; these are stored without rows
 */
public record SnapshotRequest(
        List<Destruction> destructions,
        List<String> companions,
        long maxBytes,
        Optional<Duration> recent,
        String database,
        String agentId,
        String statementSha256,
        Optional<String> approvalId,
        boolean callersTransaction,
        List<RemovedDefinition> definitions) {
    public SnapshotRequest {
        destructions = List.copyOf(destructions);
        companions = List.copyOf(companions);
        Objects.requireNonNull(recent, "recent");
        Objects.requireNonNull(database, "database");
        Objects.requireNonNull(agentId, "agentId");
        Objects.requireNonNull(statementSha256, "statementSha256");
        Objects.requireNonNull(approvalId, "approvalId");
        definitions = List.copyOf(definitions);
    }

    /** For a statement that takes rows alone, and the definitions that go with them. */
    public SnapshotRequest(
            List<Destruction> destructions,
            List<String> companions,
            long maxBytes,
            Optional<Duration> recent,
            String database,
            String agentId,
            String statementSha256,
            Optional<String> approvalId,
            boolean callersTransaction) {
        this(
                destructions,
                companions,
                maxBytes,
                recent,
                database,
                agentId,
                statementSha256,
                approvalId,
                callersTransaction,
                List.of());
    }
}
