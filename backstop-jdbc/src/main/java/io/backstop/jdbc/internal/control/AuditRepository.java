package io.backstop.jdbc.internal.control;

import io.backstop.api.audit.AuditEvent;
import io.backstop.api.audit.AuditLog;
import io.backstop.api.audit.AuditQuery;
import io.backstop.api.audit.AuditRecord;
import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.jdbc.internal.digest.Sha256Digest;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/**
 * The audit log as a hash chain: each record's hash is the SHA-256 of the previous hash, a line feed, and the event's
 * JSON. The newest sequence number and hash are stored a second time, so that records cut off at the end are noticed.
 * Thread-safe.
 */
public final class AuditRepository implements AuditLog {
    private static final Link START = new Link(0, "");

    /** So many records are fetched from a server at a time. */
    private static final int FETCHED = 2_000;

    private final ControlDatabase database;

    public AuditRepository(ControlDatabase database) {
        this.database = database;
    }

    @Override
    public void append(List<AuditEvent> events) throws ControlStoreUnavailableException {
        database.perform(connection -> {
            append(connection, events);
        });
    }

    /** Appends within the unit of work of the act, so that both are committed or neither. */
    static void append(Connection connection, List<AuditEvent> events) throws SQLException {
        Link head = head(connection);
        try (PreparedStatement insert = connection.prepareStatement(
                "INSERT INTO audit (sequence, event, hash, at, risk, agent_id) VALUES (?, ?, ?, ?, ?, ?)")) {
            for (AuditEvent event : events) {
                String json = ControlJson.write(event);
                head = new Link(head.sequence() + 1, hash(head.hash(), json));
                insert.setLong(1, head.sequence());
                insert.setString(2, json);
                insert.setString(3, head.hash());
                insert.setLong(4, nanos(event.at()));
                insert.setString(5, event.risk().name());
                insert.setString(6, StoredText.of(event.agentId()));
                insert.addBatch();
                RecordedAlerts.raise(connection, event);
            }
            insert.executeBatch();
        }
        try (PreparedStatement update =
                connection.prepareStatement("INSERT INTO audit_head (id, sequence, hash) VALUES (1, ?, ?)"
                        + " ON CONFLICT (id) DO UPDATE SET sequence = excluded.sequence, hash = excluded.hash")) {
            update.setLong(1, head.sequence());
            update.setString(2, head.hash());
            update.executeUpdate();
        }
    }

    @Override
    public List<AuditRecord> newest(AuditQuery query) throws ControlStoreUnavailableException {
        return database.scan(connection -> {
            List<AuditRecord> records = new ArrayList<>();
            List<String> conditions = new ArrayList<>();
            List<Object> values = new ArrayList<>();
            query.agentId().ifPresent(agent -> {
                conditions.add("agent_id = ?");
                values.add(StoredText.of(agent));
            });
            query.risk().ifPresent(risk -> {
                conditions.add("risk = ?");
                values.add(risk.name());
            });
            query.since().ifPresent(since -> {
                conditions.add("at >= ?");
                values.add(nanos(since));
            });
            String sql = "SELECT sequence, event, hash FROM audit"
                    + (conditions.isEmpty() ? "" : " WHERE " + String.join(" AND ", conditions))
                    + " ORDER BY at DESC, sequence DESC LIMIT ?";
            try (PreparedStatement select = connection.prepareStatement(sql)) {
                for (int i = 0; i < values.size(); i++) {
                    select.setObject(i + 1, values.get(i));
                }
                select.setInt(values.size() + 1, query.limit());
                try (ResultSet rows = select.executeQuery()) {
                    while (rows.next()) {
                        records.add(record(rows));
                    }
                }
            }
            return records;
        });
    }

    @Override
    public List<AuditRecord> after(long sequence, int limit) throws ControlStoreUnavailableException {
        return database.scan(connection -> {
            List<AuditRecord> records = new ArrayList<>();
            try (PreparedStatement select = connection.prepareStatement(
                    "SELECT sequence, event, hash FROM audit WHERE sequence > ? ORDER BY sequence LIMIT ?")) {
                select.setLong(1, sequence);
                select.setInt(2, limit);
                try (ResultSet rows = select.executeQuery()) {
                    while (rows.next()) {
                        records.add(record(rows));
                    }
                }
            }
            return records;
        });
    }

    @Override
    public long lastSequence() throws ControlStoreUnavailableException {
        return database.read(connection -> head(connection).sequence());
    }

    @Override
    public Optional<AuditRecord> record(long sequence) throws ControlStoreUnavailableException {
        return database.read(connection -> {
            try (PreparedStatement select =
                    connection.prepareStatement("SELECT sequence, event, hash FROM audit WHERE sequence = ?")) {
                select.setLong(1, sequence);
                try (ResultSet row = select.executeQuery()) {
                    return row.next() ? Optional.of(record(row)) : Optional.empty();
                }
            }
        });
    }

    private static AuditRecord record(ResultSet row) throws SQLException {
        AuditEvent event = ControlJson.read(row.getString(2), AuditEvent.class);
        return new AuditRecord(row.getLong(1), event, row.getString(3));
    }

    /** Since 1970; the ends of the range for times beyond it. */
    private static long nanos(Instant time) {
        try {
            return ChronoUnit.NANOS.between(Instant.EPOCH, time);
        } catch (ArithmeticException e) {
            return time.isBefore(Instant.EPOCH) ? Long.MIN_VALUE : Long.MAX_VALUE;
        }
    }

    @Override
    public Optional<Long> firstBroken() throws ControlStoreUnavailableException {
        return database.scan(connection -> {
            Link expected = START;
            try (PreparedStatement select = connection.prepareStatement(
                    "SELECT sequence, event, hash, at, risk, agent_id FROM audit ORDER BY sequence")) {
                select.setFetchSize(FETCHED);
                try (ResultSet rows = select.executeQuery()) {
                    while (rows.next()) {
                        String json = rows.getString(2);
                        expected = new Link(expected.sequence() + 1, hash(expected.hash(), json));
                        if (!expected.equals(new Link(rows.getLong(1), rows.getString(3))) || !isFoundAs(json, rows)) {
                            return Optional.of(expected.sequence());
                        }
                    }
                }
            }
            return expected.equals(head(connection)) ? Optional.empty() : Optional.of(expected.sequence() + 1);
        });
    }

    /** Whether a search finds the record by what its event says. */
    private static boolean isFoundAs(String json, ResultSet row) throws SQLException {
        AuditEvent event = ControlJson.read(json, AuditEvent.class);
        return nanos(event.at()) == row.getLong(4)
                && event.risk().name().equals(row.getString(5))
                && StoredText.of(event.agentId()).equals(row.getString(6));
    }

    private static Link head(Connection connection) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement("SELECT sequence, hash FROM audit_head");
                ResultSet rows = select.executeQuery()) {
            return rows.next() ? new Link(rows.getLong(1), rows.getString(2)) : START;
        }
    }

    private static String hash(String previous, String json) {
        MessageDigest digest = Sha256Digest.start();
        digest.update(previous.getBytes(StandardCharsets.US_ASCII));
        digest.update((byte) '\n');
        return HexFormat.of().formatHex(digest.digest(json.getBytes(StandardCharsets.UTF_8)));
    }

    private record Link(long sequence, String hash) {}
}
