package io.backstop.jdbc.internal.control;

import io.backstop.api.control.QuarantineLedger;
import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.api.policy.QuarantineRules;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Instant;
import java.util.Optional;

/** The refusals of each agent, and its quarantine, as two tables. Thread-safe. */
public final class QuarantineRepository implements QuarantineLedger {
    private final ControlDatabase database;
    private final Clock clock;

    public QuarantineRepository(ControlDatabase database, Clock clock) {
        this.database = database;
        this.clock = clock;
    }

    @Override
    public Optional<Instant> until(String agentId) throws ControlStoreUnavailableException {
        return database.read(connection -> {
            try (PreparedStatement select =
                    connection.prepareStatement("SELECT until FROM quarantine WHERE agent_id = ? AND until > ?")) {
                select.setString(1, agentId);
                select.setLong(2, clock.millis());
                try (ResultSet row = select.executeQuery()) {
                    return row.next() ? Optional.of(Instant.ofEpochMilli(row.getLong(1))) : Optional.empty();
                }
            }
        });
    }

    @Override
    public void refused(String agentId, QuarantineRules rules) throws ControlStoreUnavailableException {
        database.perform(connection -> {
            Instant now = clock.instant();
            long windowStart = now.minus(rules.window()).toEpochMilli();
            update(connection, "DELETE FROM refusals WHERE agent_id = ? AND at <= ?", agentId, windowStart);
            update(connection, "INSERT INTO refusals (agent_id, at) VALUES (?, ?)", agentId, now.toEpochMilli());
            if (refusals(connection, agentId) >= rules.maxBlockedAttempts()) {
                long until = now.plus(rules.duration()).toEpochMilli();
                update(
                        connection,
                        "INSERT INTO quarantine (agent_id, until) VALUES (?, ?)"
                                + " ON CONFLICT (agent_id) DO UPDATE SET until = excluded.until",
                        agentId,
                        until);
                update(connection, "DELETE FROM refusals WHERE agent_id = ? AND at <= ?", agentId, now.toEpochMilli());
            }
        });
    }

    private static int refusals(Connection connection, String agentId) throws SQLException {
        try (PreparedStatement select =
                connection.prepareStatement("SELECT count(*) FROM refusals WHERE agent_id = ?")) {
            select.setString(1, agentId);
            try (ResultSet row = select.executeQuery()) {
                row.next();
                return row.getInt(1);
            }
        }
    }

    private static void update(Connection connection, String sql, String agentId, long time) throws SQLException {
        try (PreparedStatement update = connection.prepareStatement(sql)) {
            update.setString(1, agentId);
            update.setLong(2, time);
            update.executeUpdate();
        }
    }
}
