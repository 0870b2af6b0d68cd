package io.backstop.jdbc.internal.control;

import io.backstop.api.approval.Approval;
import io.backstop.api.approval.ApprovalDecision;
import io.backstop.api.approval.ApprovalRequest;
import io.backstop.api.approval.ApprovalState;
import io.backstop.api.approval.Decision;
import io.backstop.api.control.Alert;
import io.backstop.api.control.ApprovalStore;
import io.backstop.api.error.ControlStoreUnavailableException;
import org.jspecify.annotations.Nullable;

import java.security.SecureRandom;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The approvals as a table. Each change is one unit of work under the write lock, so of two processes that use an
 * approval at the same time, one succeeds. Thread-safe.
 */
public final class ApprovalRepository implements ApprovalStore {
    private static final String COLUMNS = "SELECT id, request, state, created_at, expires_at, decided_by, decided_at,"
            + " comment, signer, signature FROM approvals ";

    /** States in which the newest request of a statement answers it, as long as its time is not over. */
    private static final Set<ApprovalState> CURRENT =
            EnumSet.of(ApprovalState.PENDING, ApprovalState.APPROVED, ApprovalState.DENIED);

    /** Who acts in the audit log where no person does. */
    private static final String GUARD = "backstop";

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
    public String storeId() throws ControlStoreUnavailableException {
        return database.read(connection -> {
            try (Statement select = connection.createStatement();
                    ResultSet row = select.executeQuery("SELECT store_id FROM store_identity")) {
                if (!row.next()) {
                    throw new SQLException("the control store has no id");
                }
                return row.getString(1);
            }
        });
    }

    @Override
    public Instant now() {
        return clock.instant();
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
            Instant now = clock.instant();
            if (existing.isPresent()
                    && CURRENT.contains(existing.get().state())
                    && now.isBefore(existing.get().expiresAt())) {
                return existing.get();
            }
            Approval approval =
                    new Approval(newId(), request, ApprovalState.PENDING, now, now.plus(lifetime), Optional.empty());
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
            AlertRepository.raise(
                    connection,
                    Alert.Kind.APPROVAL_REQUESTED,
                    approval.id(),
                    request.operation() + " of agent " + request.agentId() + " on " + request.database()
                            + " waits for approval" + because(request),
                    now);
            return approval;
        });
    }

    private static String because(ApprovalRequest request) {
        return request.reasons().isEmpty() ? "" : ": " + String.join("; ", request.reasons());
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
        Set<ApprovalState> stored = EnumSet.noneOf(ApprovalState.class);
        stored.addAll(wanted);
        if (wanted.contains(ApprovalState.EXPIRED)) {
            stored.addAll(CURRENT); // they expire without being written
        }
        String named = stored.stream().map(state -> "'" + state.name() + "'").collect(Collectors.joining(", "));
        String chosen = "WHERE state IN (" + named + ") ORDER BY created_at, "
                + database.dialect().insertionOrder();
        return database.read(connection -> select(connection, chosen, null).stream()
                .filter(approval -> wanted.contains(approval.state()))
                .toList());
    }

    @Override
    public Optional<ApprovalDecision> decide(String id, Decision decision) throws ControlStoreUnavailableException {
        return database.run(connection -> decide(connection, id, (approval, now) -> decision));
    }

    @Override
    public Optional<ApprovalDecision> decide(String id, boolean approve, String operator)
            throws ControlStoreUnavailableException {
        return database.run(connection -> decide(
                connection,
                id,
                (approval, now) ->
                        new Decision(approve, operator, now, now.plus(approval.lifetime()), "", Optional.empty())));
    }

    private Optional<ApprovalDecision> decide(Connection connection, String id, Answer answer) throws SQLException {
        Optional<Approval> found = find(connection, id);
        if (found.isEmpty() || found.get().state() != ApprovalState.PENDING) {
            return found.map(ApprovalDecision.AlreadyDecided::new);
        }
        Approval approval = found.get();
        Decision decision = answer.to(approval, clock.instant());
        Optional<Decision.Signature> signature = decision.signature();
        try (PreparedStatement update = connection.prepareStatement("UPDATE approvals SET state = ?, decided_by = ?,"
                + " decided_at = ?, expires_at = ?, comment = ?, signer = ?, signature = ? WHERE id = ?")) {
            update.setString(1, (decision.approve() ? ApprovalState.APPROVED : ApprovalState.DENIED).name());
            update.setString(2, StoredText.of(decision.by()));
            update.setLong(3, decision.at().toEpochMilli());
            update.setLong(4, decision.expiresAt().toEpochMilli());
            update.setString(5, StoredText.of(decision.comment()));
            update.setString(6, signature.map(Decision.Signature::operator).orElse(null));
            update.setString(7, signature.map(Decision.Signature::value).orElse(null));
            update.setString(8, id);
            update.executeUpdate();
        }
        AlertRepository.settle(connection, Alert.Kind.APPROVAL_REQUESTED, id, decision.by(), clock.instant());
        trail.record(
                connection,
                decision.by(),
                decision.approve() ? "APPROVE" : "DENY",
                detail(approval, decision),
                Optional.of(id));
        return find(connection, id).map(ApprovalDecision.Decided::new);
    }

    private static String detail(Approval approval, Decision decision) {
        return approval.request().operation() + " of agent "
                + approval.request().agentId()
                + decision.signature()
                        .map(signature -> ", signed by operator " + signature.operator())
                        .orElse("")
                + (decision.comment().isEmpty() ? "" : ": " + decision.comment());
    }

    /** A decision that depends on the request as it is under the write lock. */
    private interface Answer {
        Decision to(Approval approval, Instant now);
    }

    @Override
    public boolean consume(String id, ApprovalRequest request) throws ControlStoreUnavailableException {
        return database.run(connection -> {
            try (PreparedStatement update = connection.prepareStatement(
                    "UPDATE approvals SET state = 'CONSUMED' WHERE id = ? AND binding = ? AND state = 'APPROVED'"
                            + " AND expires_at > ? AND id NOT IN (SELECT id FROM spent_approvals)")) {
                update.setString(1, id);
                update.setString(2, binding(request));
                update.setLong(3, clock.millis());
                if (update.executeUpdate() != 1) {
                    return false;
                }
            }
            try (PreparedStatement insert =
                    connection.prepareStatement("INSERT INTO spent_approvals (id, at) VALUES (?, ?)")) {
                insert.setString(1, id);
                insert.setLong(2, clock.millis());
                insert.executeUpdate();
            }
            return true;
        });
    }

    @Override
    public boolean invalidate(String id, String reason) throws ControlStoreUnavailableException {
        return database.run(connection -> {
            if (!updated(
                    connection, "UPDATE approvals SET state = 'INVALID' WHERE id = ? AND state = 'APPROVED'", id)) {
                return false;
            }
            trail.record(connection, GUARD, "REFUSE DECISION", reason, Optional.of(id));
            return true;
        });
    }

    @Override
    public void release(String id) throws ControlStoreUnavailableException {
        database.perform(connection -> {
            if (updated(
                    connection, "UPDATE approvals SET state = 'APPROVED' WHERE id = ? AND state = 'CONSUMED'", id)) {
                updated(connection, "DELETE FROM spent_approvals WHERE id = ?", id);
            }
        });
    }

    private static boolean updated(Connection connection, String sql, String id) throws SQLException {
        try (PreparedStatement update = connection.prepareStatement(sql)) {
            update.setString(1, id);
            return update.executeUpdate() == 1;
        }
    }

    @Override
    public boolean expire(String id) throws ControlStoreUnavailableException {
        return database.run(connection -> {
            try (PreparedStatement update = connection.prepareStatement(
                    "UPDATE approvals SET state = 'EXPIRED' WHERE id = ? AND state IN ('PENDING', 'APPROVED') AND expires_at <= ?")) {
                update.setString(1, id);
                update.setLong(2, clock.millis());
                if (update.executeUpdate() == 0) {
                    return false;
                }
                AlertRepository.settle(connection, Alert.Kind.APPROVAL_REQUESTED, id, GUARD, clock.instant());
                return true;
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
        Instant expiresAt = Instant.ofEpochMilli(row.getLong("expires_at"));
        ApprovalState state = ApprovalState.valueOf(row.getString("state"));
        boolean open = state == ApprovalState.PENDING || state == ApprovalState.APPROVED;
        return new Approval(
                row.getString("id"),
                ControlJson.read(row.getString("request"), ApprovalRequest.class),
                open && !clock.instant().isBefore(expiresAt) ? ApprovalState.EXPIRED : state,
                Instant.ofEpochMilli(row.getLong("created_at")),
                expiresAt,
                decision(row, state, expiresAt));
    }

    private static Optional<Decision> decision(ResultSet row, ApprovalState state, Instant expiresAt)
            throws SQLException {
        @Nullable String by = row.getString("decided_by");
        if (by == null) {
            return Optional.empty();
        }
        @Nullable String signer = row.getString("signer");
        @Nullable String signature = row.getString("signature");
        return Optional.of(new Decision(
                state != ApprovalState.DENIED,
                by,
                Instant.ofEpochMilli(row.getLong("decided_at")),
                expiresAt,
                row.getString("comment"),
                signer == null || signature == null
                        ? Optional.empty()
                        : Optional.of(new Decision.Signature(signer, signature))));
    }

    /** What {@link ApprovalRequest#sameBinding} compares, as one value that can be looked up. */
    private static String binding(ApprovalRequest request) {
        return ControlJson.write(List.of(
                        request.statementSha256(),
                        request.agentId(),
                        request.database(),
                        request.session().role(),
                        request.session().searchPath()))
                + "\n"
                + ControlJson.write(List.of(
                        request.session().settings(),
                        request.session().relations(),
                        request.operation(),
                        request.risk(),
                        request.snapshot()));
    }

    private String newId() {
        byte[] bytes = new byte[8];
        random.nextBytes(bytes);
        return "appr_" + HexFormat.of().formatHex(bytes);
    }
}
