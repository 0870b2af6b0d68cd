package io.backstop.jdbc.internal.control;

import io.backstop.api.approval.Approval;
import io.backstop.api.approval.ApprovalDecision;
import io.backstop.api.approval.ApprovalRequest;
import io.backstop.api.approval.ApprovalState;
import io.backstop.api.control.ApprovalStore;
import io.backstop.api.error.ControlStoreUnavailableException;
import org.jspecify.annotations.Nullable;

import java.security.SecureRandom;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The approvals as a table. Each change is one unit of work under the write lock, so of two processes that use an
 * approval at the same time, one succeeds. Thread-safe.
 */
public final class ApprovalRepository implements ApprovalStore {
    private static final String COLUMNS =
            "SELECT id, request, state, created_at, expires_at, decided_by, decided_at FROM approvals ";

    private final ControlDatabase database;
    private final OperatorTrail trail;
    private final Clock clock;
    private final SecureRandom random = new SecureRandom();

    public ApprovalRepository(ControlDatabase database, OperatorTrail trail, Clock clock) {
        this.database = database;
        this.trail = trail;
        this.clock = clock;
    }

    @Override
    public Optional<Approval> newest(ApprovalRequest request) throws ControlStoreUnavailableException {
        return database.read(connection -> newest(connection, request));
    }

    private Optional<Approval> newest(Connection connection, ApprovalRequest request) throws SQLException {
        return select(
                        connection,
                        "WHERE binding = ? ORDER BY created_at DESC, "
                                + database.dialect().insertionOrder() + " DESC LIMIT 1",
                        binding(request))
                .stream()
                .findFirst();
    }

    @Override
    public Approval open(ApprovalRequest request, Duration lifetime) throws ControlStoreUnavailableException {
        return database.run(connection -> {
            Optional<Approval> existing = newest(connection, request);
            if (existing.isPresent() && existing.get().state() == ApprovalState.PENDING) {
                return existing.get();
            }
            Instant now = clock.instant();
            Approval approval = new Approval(
                    newId(),
                    request,
                    ApprovalState.PENDING,
                    now,
                    now.plus(lifetime),
                    Optional.empty(),
                    Optional.empty());
            try (PreparedStatement insert = connection.prepareStatement(
                    "INSERT INTO approvals (id, request, binding, state, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)")) {
                insert.setString(1, approval.id());
                insert.setString(2, ControlJson.write(request));
                insert.setString(3, binding(request));
                insert.setString(4, approval.state().name());
                insert.setLong(5, approval.createdAt().toEpochMilli());
                insert.setLong(6, approval.expiresAt().toEpochMilli());
                insert.executeUpdate();
            }
            return approval;
        });
    }

    @Override
    public Optional<Approval> find(String id) throws ControlStoreUnavailableException {
        return database.read(connection -> find(connection, id));
    }

    private Optional<Approval> find(Connection connection, String id) throws SQLException {
        return select(connection, "WHERE id = ?", id).stream().findFirst();
    }

    @Override
    public List<Approval> list(ApprovalState... states) throws ControlStoreUnavailableException {
        Set<ApprovalState> wanted = Set.copyOf(Arrays.asList(states));
        return database.read(connection ->
                select(connection, "ORDER BY created_at, " + database.dialect().insertionOrder(), null).stream()
                        .filter(approval -> wanted.contains(approval.state()))
                        .toList());
    }

    @Override
    public Optional<ApprovalDecision> decide(String id, boolean approve, String operator)
            throws ControlStoreUnavailableException {
        return database.run(connection -> {
            Optional<Approval> found = find(connection, id);
            if (found.isEmpty() || found.get().state() != ApprovalState.PENDING) {
                return found.map(ApprovalDecision.AlreadyDecided::new);
            }
            Approval approval = found.get();
            Instant now = clock.instant();
            // An approval lives as long again from the decision, so that a late yes can still be used.
            Duration lifetime = Duration.between(approval.createdAt(), approval.expiresAt());
            try (PreparedStatement update = connection.prepareStatement(
                    "UPDATE approvals SET state = ?, decided_by = ?, decided_at = ?, expires_at = ? WHERE id = ?")) {
                update.setString(1, (approve ? ApprovalState.APPROVED : ApprovalState.DENIED).name());
                update.setString(2, operator);
                update.setLong(3, now.toEpochMilli());
                update.setLong(4, now.plus(lifetime).toEpochMilli());
                update.setString(5, id);
                update.executeUpdate();
            }
            trail.record(
                    connection,
                    operator,
                    approve ? "APPROVE" : "DENY",
                    approval.request().operation() + " of agent "
                            + approval.request().agentId(),
                    Optional.of(id));
            return find(connection, id).map(ApprovalDecision.Decided::new);
        });
    }

    @Override
    public boolean consume(String id, ApprovalRequest request) throws ControlStoreUnavailableException {
        return database.run(connection -> {
            try (PreparedStatement update = connection.prepareStatement(
                    "UPDATE approvals SET state = 'CONSUMED' WHERE id = ? AND binding = ? AND state = 'APPROVED' AND expires_at > ?")) {
                update.setString(1, id);
                update.setString(2, binding(request));
                update.setLong(3, clock.millis());
                return update.executeUpdate() == 1;
            }
        });
    }

    @Override
    public void release(String id) throws ControlStoreUnavailableException {
        database.perform(connection -> {
            try (PreparedStatement update = connection.prepareStatement(
                    "UPDATE approvals SET state = 'APPROVED' WHERE id = ? AND state = 'CONSUMED'")) {
                update.setString(1, id);
                update.executeUpdate();
            }
        });
    }

    @Override
    public boolean expire(String id) throws ControlStoreUnavailableException {
        return database.run(connection -> {
            try (PreparedStatement update = connection.prepareStatement(
                    "UPDATE approvals SET state = 'EXPIRED' WHERE id = ? AND state IN ('PENDING', 'APPROVED') AND expires_at <= ?")) {
                update.setString(1, id);
                update.setLong(2, clock.millis());
                return update.executeUpdate() == 1;
            }
        });
    }

    private List<Approval> select(Connection connection, String rest, @Nullable String parameter) throws SQLException {
        List<Approval> approvals = new ArrayList<>();
        try (PreparedStatement select = connection.prepareStatement(COLUMNS + rest)) {
            if (parameter != null) {
                select.setString(1, parameter);
            }
            try (ResultSet rows = select.executeQuery()) {
                while (rows.next()) {
                    approvals.add(approval(rows));
                }
            }
        }
        return approvals;
    }

    private Approval approval(ResultSet row) throws SQLException {
        long decidedAt = row.getLong("decided_at");
        boolean decided = !row.wasNull();
        Instant expiresAt = Instant.ofEpochMilli(row.getLong("expires_at"));
        ApprovalState state = ApprovalState.valueOf(row.getString("state"));
        boolean open = state == ApprovalState.PENDING || state == ApprovalState.APPROVED;
        return new Approval(
                row.getString("id"),
                ControlJson.read(row.getString("request"), ApprovalRequest.class),
                open && !clock.instant().isBefore(expiresAt) ? ApprovalState.EXPIRED : state,
                Instant.ofEpochMilli(row.getLong("created_at")),
                expiresAt,
                Optional.ofNullable(row.getString("decided_by")),
                decided ? Optional.of(Instant.ofEpochMilli(decidedAt)) : Optional.empty());
    }

    /** What {@link ApprovalRequest#sameBinding} compares, as one value that can be looked up. */
    private static String binding(ApprovalRequest request) {
        return ControlJson.write(List.of(
                request.statementSha256(),
                request.agentId(),
                request.database(),
                request.role(),
                request.searchPath()));
    }

    private String newId() {
        byte[] bytes = new byte[8];
        random.nextBytes(bytes);
        return "appr_" + HexFormat.of().formatHex(bytes);
    }
}
