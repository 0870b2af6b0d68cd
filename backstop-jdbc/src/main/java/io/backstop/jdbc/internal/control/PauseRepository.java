package io.backstop.jdbc.internal.control;

import io.backstop.api.control.Alert;
import io.backstop.api.control.Pause;
import io.backstop.api.control.PauseSwitch;
import io.backstop.api.error.ControlStoreUnavailableException;

import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.Clock;
import java.time.Instant;
import java.util.Optional;

/** The pause as a table of one row, which exists while writes are paused. Thread-safe. */
public final class PauseRepository implements PauseSwitch {
    /** The act of pausing in the audit log. */
    static final String PAUSE = "PAUSE";

    private final ControlDatabase database;
    private final OperatorTrail trail;
    private final Clock clock;

    public PauseRepository(ControlDatabase database, OperatorTrail trail, Clock clock) {
        this.database = database;
        this.trail = trail;
        this.clock = clock;
    }

    @Override
    public Optional<Pause> current() throws ControlStoreUnavailableException {
        return database.read(connection -> {
            try (Statement select = connection.createStatement();
                    ResultSet row = select.executeQuery("SELECT reason, operator, since FROM pause")) {
                return row.next()
                        ? Optional.of(
                                new Pause(row.getString(1), row.getString(2), Instant.ofEpochMilli(row.getLong(3))))
                        : Optional.empty();
            }
        });
    }

    @Override
    public void pause(String reason, String operator) throws ControlStoreUnavailableException {
        database.perform(connection -> {
            try (PreparedStatement insert = connection.prepareStatement(
                    "INSERT INTO pause (id, reason, operator, since) VALUES (1, ?, ?, ?) ON CONFLICT (id) DO UPDATE"
                            + " SET reason = excluded.reason, operator = excluded.operator, since = excluded.since")) {
                insert.setString(1, StoredText.of(reason));
                insert.setString(2, StoredText.of(operator));
                insert.setLong(3, clock.millis());
                insert.executeUpdate();
            }
            trail.record(connection, operator, PAUSE, reason, Optional.empty());
        });
    }

    @Override
    public void resume(String operator) throws ControlStoreUnavailableException {
        database.perform(connection -> {
            try (Statement delete = connection.createStatement()) {
                delete.executeUpdate("DELETE FROM pause");
            }
            AlertRepository.settle(connection, Alert.Kind.PAUSED, RecordedAlerts.WRITES, operator, clock.instant());
            trail.record(connection, operator, "RESUME", "", Optional.empty());
        });
    }
}
