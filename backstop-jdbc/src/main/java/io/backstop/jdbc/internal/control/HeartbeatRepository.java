package io.backstop.jdbc.internal.control;

import io.backstop.api.control.Heartbeats;
import io.backstop.api.error.ControlStoreUnavailableException;

import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.Clock;
import java.time.Instant;
import java.util.Optional;

/** The heartbeats as a table with a row for each sidecar. Thread-safe. */
public final class HeartbeatRepository implements Heartbeats {
    private final ControlDatabase database;
    private final Clock clock;

    public HeartbeatRepository(ControlDatabase database, Clock clock) {
        this.database = database;
        this.clock = clock;
    }

    @Override
    public void beat(String sidecar) throws ControlStoreUnavailableException {
        database.perform(connection -> {
            try (PreparedStatement insert =
                    connection.prepareStatement("INSERT INTO heartbeats (sidecar, at) VALUES (?, ?)"
                            + " ON CONFLICT (sidecar) DO UPDATE SET at = excluded.at")) {
                insert.setString(1, sidecar);
                insert.setLong(2, clock.millis());
                insert.executeUpdate();
            }
        });
    }

    @Override
    public Optional<Instant> latest() throws ControlStoreUnavailableException {
        return database.read(connection -> {
            try (Statement select = connection.createStatement();
                    ResultSet row = select.executeQuery("SELECT at FROM heartbeats ORDER BY at DESC LIMIT 1")) {
                return row.next() ? Optional.of(Instant.ofEpochMilli(row.getLong(1))) : Optional.empty();
            }
        });
    }
}
