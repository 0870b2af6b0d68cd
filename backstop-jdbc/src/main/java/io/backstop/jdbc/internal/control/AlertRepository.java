package io.backstop.jdbc.internal.control;

import io.backstop.api.control.Alert;
import io.backstop.api.control.Alerts;
import io.backstop.api.error.ControlStoreUnavailableException;
import org.jspecify.annotations.Nullable;

import java.security.SecureRandom;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/** The alerts as a table. Thread-safe. */
public final class AlertRepository implements Alerts {
    private static final String COLUMNS =
            "SELECT id, kind, subject, message, raised_at, last_at, count, acknowledged_by, acknowledged_at FROM alerts ";

    /** Longer ones are cut, in characters: they are names, and stand in an index. */
    private static final int LONGEST_SUBJECT = 300;

    private static final int LONGEST_MESSAGE = 1_000;

    private static final SecureRandom RANDOM = new SecureRandom();

    private final ControlDatabase database;
    private final OperatorTrail trail;
    private final Clock clock;

    public AlertRepository(ControlDatabase database, OperatorTrail trail, Clock clock) {
        this.database = database;
        this.trail = trail;
        this.clock = clock;
    }

    @Override
    public void raise(Alert.Kind kind, String subject, String message) throws ControlStoreUnavailableException {
        database.perform(connection -> {
            raise(connection, kind, subject, message, clock.instant());
        });
    }

    /** Raises it within the unit of work of what happened, so that both are committed or neither. */
    static void raise(Connection connection, Alert.Kind kind, String subject, String message, Instant at)
            throws SQLException {
        String about = StoredText.of(cut(subject, LONGEST_SUBJECT));
        String words = StoredText.of(cut(message, LONGEST_MESSAGE));
        try (PreparedStatement update = connection.prepareStatement("UPDATE alerts SET count = count + 1, last_at = ?,"
                + " message = ? WHERE kind = ? AND subject = ? AND acknowledged_at IS NULL")) {
            update.setLong(1, at.toEpochMilli());
            update.setString(2, words);
            update.setString(3, kind.name());
            update.setString(4, about);
            if (update.executeUpdate() > 0) {
                return;
            }
        }
        try (PreparedStatement insert = connection.prepareStatement("INSERT INTO alerts (id, kind, subject, message,"
                + " raised_at, last_at, count) VALUES (?, ?, ?, ?, ?, ?, 1)")) {
            insert.setString(1, newId());
            insert.setString(2, kind.name());
            insert.setString(3, about);
            insert.setString(4, words);
            insert.setLong(5, at.toEpochMilli());
            insert.setLong(6, at.toEpochMilli());
            insert.executeUpdate();
        }
    }

    /** What it is about is over, or was answered by this act, so nobody has to look at it any more. */
    static void settle(Connection connection, Alert.Kind kind, String subject, String by, Instant at)
            throws SQLException {
        try (PreparedStatement update = connection.prepareStatement("UPDATE alerts SET acknowledged_by = ?,"
                + " acknowledged_at = ? WHERE kind = ? AND subject = ? AND acknowledged_at IS NULL")) {
            update.setString(1, StoredText.of(by));
            update.setLong(2, at.toEpochMilli());
            update.setString(3, kind.name());
            update.setString(4, StoredText.of(cut(subject, LONGEST_SUBJECT)));
            update.executeUpdate();
        }
    }

    @Override
    public List<Alert> newest(int limit, boolean open) throws ControlStoreUnavailableException {
        return database.read(connection -> {
            try (PreparedStatement select = connection.prepareStatement(
                    COLUMNS + (open ? "WHERE acknowledged_at IS NULL " : "") + "ORDER BY last_at DESC, id LIMIT ?")) {
                select.setInt(1, limit);
                return alerts(select);
            }
        });
    }

    @Override
    public Optional<Alert> acknowledge(String id, String operator) throws ControlStoreUnavailableException {
        return database.run(connection -> {
            try (PreparedStatement update = connection.prepareStatement("UPDATE alerts SET acknowledged_by = ?,"
                    + " acknowledged_at = ? WHERE id = ? AND acknowledged_at IS NULL")) {
                update.setString(1, StoredText.of(operator));
                update.setLong(2, clock.millis());
                update.setString(3, StoredText.of(id));
                if (update.executeUpdate() == 1) {
                    trail.record(connection, operator, "ACKNOWLEDGE ALERT", id, Optional.empty());
                }
            }
            try (PreparedStatement select = connection.prepareStatement(COLUMNS + "WHERE id = ?")) {
                select.setString(1, StoredText.of(id));
                return alerts(select).stream().findFirst();
            }
        });
    }

    private static List<Alert> alerts(PreparedStatement select) throws SQLException {
        List<Alert> alerts = new ArrayList<>();
        try (ResultSet row = select.executeQuery()) {
            while (row.next()) {
                @Nullable String by = row.getString(8);
                alerts.add(new Alert(
                        row.getString(1),
                        Alert.Kind.valueOf(row.getString(2)),
                        row.getString(3),
                        row.getString(4),
                        Instant.ofEpochMilli(row.getLong(5)),
                        Instant.ofEpochMilli(row.getLong(6)),
                        row.getLong(7),
                        by == null
                                ? Optional.empty()
                                : Optional.of(new Alert.Acknowledgement(by, Instant.ofEpochMilli(row.getLong(9))))));
            }
        }
        return alerts;
    }

    private static String cut(String text, int longest) {
        return text.length() <= longest ? text : text.substring(0, longest - 1) + "…";
    }

    private static String newId() {
        byte[] bytes = new byte[8];
        RANDOM.nextBytes(bytes);
        return "alrt_" + HexFormat.of().formatHex(bytes);
    }
}
