package io.backstop.jdbc.internal.control;

import io.backstop.api.control.Alert;
import io.backstop.api.control.Quarantine;
import io.backstop.api.control.QuarantineLedger;
import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.api.policy.QuarantineRules;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The refusals of each agent, and its quarantine, as two tables. Thread-safe. */
public final class QuarantineRepository implements QuarantineLedger {
    /** Of each statement so much is kept, in characters: enough to recognise it. */
    private static final int KEPT_STATEMENT = 120;

    /** Refusals are kept for so long, as guards with longer windows than the one that counts may share the store. */
    private static final Duration KEPT_REFUSALS = Duration.ofDays(1);

    private static final String CURRENT = "SELECT agent_id, since, until, statements FROM quarantine WHERE until > ?";

    private final ControlDatabase database;
    private final OperatorTrail trail;
    private final Clock clock;

    public QuarantineRepository(ControlDatabase database, OperatorTrail trail, Clock clock) {
        this.database = database;
        this.trail = trail;
        this.clock = clock;
    }

    @Override
    public Optional<Quarantine> current(String agentId) throws ControlStoreUnavailableException {
        return database.read(connection -> {
            try (PreparedStatement select = connection.prepareStatement(CURRENT + " AND agent_id = ?")) {
                select.setLong(1, clock.millis());
                select.setString(2, agentId);
                return quarantines(select).stream().findFirst();
            }
        });
    }

    @Override
    public List<Quarantine> list() throws ControlStoreUnavailableException {
        return database.read(connection -> {
            try (PreparedStatement select = connection.prepareStatement(CURRENT + " ORDER BY since, agent_id")) {
                select.setLong(1, clock.millis());
                return quarantines(select);
            }
        });
    }

    private static List<Quarantine> quarantines(PreparedStatement select) throws SQLException {
        List<Quarantine> quarantines = new ArrayList<>();
        try (ResultSet row = select.executeQuery()) {
            while (row.next()) {
                quarantines.add(new Quarantine(
                        row.getString("agent_id"),
                        Instant.ofEpochMilli(row.getLong("since")),
                        Instant.ofEpochMilli(row.getLong("until")),
                        List.of(ControlJson.read(row.getString("statements"), String[].class))));
            }
        }
        return quarantines;
    }

    @Override
    public void refused(String agentId, String statement, QuarantineRules rules)
            throws ControlStoreUnavailableException {
        if (!rules.enabled()) {
            return;
        }
        database.perform(connection -> {
            Instant now = clock.instant();
            Instant begin = now.minus(rules.window());
            Instant kept = now.minus(KEPT_REFUSALS);
            forgetRefusals(connection, agentId, begin.isBefore(kept) ? begin : kept);
            try (PreparedStatement insert =
                    connection.prepareStatement("INSERT INTO refusals (agent_id, at, statement) VALUES (?, ?, ?)")) {
                insert.setString(1, agentId);
                insert.setLong(2, now.toEpochMilli());
                insert.setString(3, StoredText.of(inShort(statement)));
                insert.executeUpdate();
            }
            List<String> statements = refusals(connection, agentId, begin);
            if (statements.size() >= rules.maxBlockedAttempts()) {
                put(connection, new Quarantine(agentId, now, now.plus(rules.duration()), statements));
                forgetRefusals(connection, agentId, now);
                AlertRepository.raise(
                        connection,
                        Alert.Kind.QUARANTINED,
                        agentId,
                        "agent " + agentId + " is in quarantine until " + now.plus(rules.duration()) + " after "
                                + statements.size() + " refusals",
                        now);
            }
        });
    }

    private static String inShort(String statement) {
        String line = statement.replaceAll("\\s+", " ").strip();
        return line.length() <= KEPT_STATEMENT ? line : line.substring(0, KEPT_STATEMENT - 1) + "…";
    }

    private static void put(Connection connection, Quarantine quarantine) throws SQLException {
        try (PreparedStatement insert = connection.prepareStatement(
                "INSERT INTO quarantine (agent_id, since, until, statements) VALUES (?, ?, ?, ?) ON CONFLICT (agent_id) DO"
                        + " UPDATE SET since = excluded.since, until = excluded.until, statements = excluded.statements")) {
            insert.setString(1, quarantine.agentId());
            insert.setLong(2, quarantine.since().toEpochMilli());
            insert.setLong(3, quarantine.until().toEpochMilli());
            insert.setString(4, ControlJson.write(quarantine.statements()));
            insert.executeUpdate();
        }
    }

    private static List<String> refusals(Connection connection, String agentId, Instant after) throws SQLException {
        List<String> statements = new ArrayList<>();
        try (PreparedStatement select = connection.prepareStatement(
                "SELECT statement FROM refusals WHERE agent_id = ? AND at > ? ORDER BY at")) {
            select.setString(1, agentId);
            select.setLong(2, after.toEpochMilli());
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    statements.add(row.getString(1));
                }
            }
        }
        return statements;
    }

    private static void forgetRefusals(Connection connection, String agentId, Instant upTo) throws SQLException {
        try (PreparedStatement delete =
                connection.prepareStatement("DELETE FROM refusals WHERE agent_id = ? AND at <= ?")) {
            delete.setString(1, agentId);
            delete.setLong(2, upTo.toEpochMilli());
            delete.executeUpdate();
        }
    }

    @Override
    public boolean lift(String agentId, String operator) throws ControlStoreUnavailableException {
        return database.run(connection -> {
            forgetRefusals(connection, agentId, Instant.ofEpochMilli(Long.MAX_VALUE));
            try (PreparedStatement delete =
                    connection.prepareStatement("DELETE FROM quarantine WHERE agent_id = ? AND until > ?")) {
                delete.setString(1, agentId);
                delete.setLong(2, clock.millis());
                if (delete.executeUpdate() == 0) {
                    return false;
                }
            }
            AlertRepository.settle(connection, Alert.Kind.QUARANTINED, agentId, operator, clock.instant());
            trail.record(connection, operator, "LIFT QUARANTINE", "of agent " + agentId, Optional.empty());
            return true;
        });
    }
}
