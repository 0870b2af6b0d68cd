package io.backstop.jdbc.control;

import io.backstop.api.audit.AuditEvent;
import io.backstop.api.audit.AuditLog;
import io.backstop.api.audit.AuditRecord;
import io.backstop.api.error.ControlStoreUnavailableException;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/**
 * The audit as a hash chain: each record's hash is the SHA-256 of the hash before it, a line feed, and the event's JSON.
 * The newest sequence number and hash are kept a second time, so that records cut off at the end are missed too.
 */
final class SqliteAuditLog implements AuditLog {
    private static final Link START = new Link(0, "");

    private final SqliteDatabase database;

    SqliteAuditLog(SqliteDatabase database) {
        this.database = database;
    }

    @Override
    public void append(List<AuditEvent> events) throws ControlStoreUnavailableException {
        database.perform(connection -> {
            append(connection, events);
        });
    }

    /** Appends within a unit of work, so that an act and its record are one. */
    static void append(Connection connection, List<AuditEvent> events) throws SQLException {
        Link head = head(connection);
        try (PreparedStatement insert =
                connection.prepareStatement("INSERT INTO audit (sequence, event, hash) VALUES (?, ?, ?)")) {
            for (AuditEvent event : events) {
                String json = ControlJson.write(event);
                head = new Link(head.sequence() + 1, hash(head.hash(), json));
                insert.setLong(1, head.sequence());
                insert.setString(2, json);
                insert.setString(3, head.hash());
                insert.addBatch();
            }
            insert.executeBatch();
        }
        try (PreparedStatement update = connection.prepareStatement(
                "INSERT OR REPLACE INTO audit_head (id, sequence, hash) VALUES (1, ?, ?)")) {
            update.setLong(1, head.sequence());
            update.setString(2, head.hash());
            update.executeUpdate();
        }
    }

    @Override
    public List<AuditRecord> newest(int limit) throws ControlStoreUnavailableException {
        return database.run(connection -> {
            List<AuditRecord> records = new ArrayList<>();
            try (PreparedStatement select = connection.prepareStatement(
                    "SELECT sequence, event, hash FROM audit ORDER BY sequence DESC LIMIT ?")) {
                select.setInt(1, limit);
                try (ResultSet rows = select.executeQuery()) {
                    while (rows.next()) {
                        AuditEvent event = ControlJson.read(rows.getString(2), AuditEvent.class);
                        records.add(new AuditRecord(rows.getLong(1), event, rows.getString(3)));
                    }
                }
            }
            return records;
        });
    }

    @Override
    public Optional<Long> firstBroken() throws ControlStoreUnavailableException {
        return database.run(connection -> {
            Link expected = START;
            try (PreparedStatement select =
                            connection.prepareStatement("SELECT sequence, event, hash FROM audit ORDER BY sequence");
                    ResultSet rows = select.executeQuery()) {
                while (rows.next()) {
                    expected = new Link(expected.sequence() + 1, hash(expected.hash(), rows.getString(2)));
                    if (!expected.equals(new Link(rows.getLong(1), rows.getString(3)))) {
                        return Optional.of(expected.sequence());
                    }
                }
            }
            return expected.equals(head(connection)) ? Optional.empty() : Optional.of(expected.sequence() + 1);
        });
    }

    private static Link head(Connection connection) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement("SELECT sequence, hash FROM audit_head");
                ResultSet rows = select.executeQuery()) {
            return rows.next() ? new Link(rows.getLong(1), rows.getString(2)) : START;
        }
    }

    private static String hash(String previous, String json) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            digest.update(previous.getBytes(StandardCharsets.US_ASCII));
            digest.update((byte) '\n');
            return HexFormat.of().formatHex(digest.digest(json.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    private record Link(long sequence, String hash) {}
}
