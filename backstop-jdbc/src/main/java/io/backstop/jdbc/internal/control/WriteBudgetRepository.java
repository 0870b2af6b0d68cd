package io.backstop.jdbc.internal.control;

import io.backstop.api.control.WriteBudgets;
import io.backstop.api.error.ControlStoreUnavailableException;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;

/** What agents have changed, as a table with a row for each table of each write. Thread-safe. */
public final class WriteBudgetRepository implements WriteBudgets {
    private static final int LOOKS_WITHIN_WINDOW = 4;

    /** How long an entry is kept at least: whoever asks counts those of a window of its own, which may be longer. */
    private static final Duration KEPT = Duration.ofDays(1);

    private final ControlDatabase database;
    private final Clock clock;

    public WriteBudgetRepository(ControlDatabase database, Clock clock) {
        this.database = database;
        this.clock = clock;
    }

    @Override
    public Usage add(String agentId, String databaseName, List<TableRows> rows, Duration window)
            throws ControlStoreUnavailableException {
        Instant now = clock.instant();
        String entry = "use_" + UUID.randomUUID();
        return database.run(connection -> {
            removeExpired(connection, now);
            try (PreparedStatement insert = connection.prepareStatement(
                    "INSERT INTO write_budget (entry, agent_id, database, relation, changed, deleted, at, expires_at)"
                            + " VALUES (?, ?, ?, ?, ?, ?, ?, ?)")) {
                for (TableRows table : rows) {
                    insert.setString(1, entry);
                    insert.setString(2, agentId);
                    insert.setString(3, databaseName);
                    insert.setLong(4, table.table());
                    insert.setLong(5, table.changed());
                    insert.setLong(6, table.deleted());
                    insert.setLong(7, now.toEpochMilli());
                    insert.setLong(8, expires(now, window));
                    insert.executeUpdate();
                }
            }
            long since = now.minus(window).toEpochMilli();
            long lately = now.minus(window.dividedBy(LOOKS_WITHIN_WINDOW)).toEpochMilli();
            Map<Long, TableRows> byTable = new HashMap<>();
            Map<Long, Long> sizes = new HashMap<>();
            Set<Long> due = new HashSet<>();
            for (TableRows table : rows) {
                byTable.put(table.table(), used(connection, agentId, databaseName, table.table(), since));
                smallest(connection, databaseName, table.table(), since)
                        .ifPresent(size -> sizes.put(table.table(), size));
                if (smallest(connection, databaseName, table.table(), lately).isEmpty()) {
                    due.add(table.table());
                }
            }
            return new Usage(entry, used(connection, agentId, since), byTable, sizes, due);
        });
    }

    private static Optional<Long> smallest(Connection connection, String databaseName, long table, long since)
            throws SQLException {
        try (PreparedStatement select = connection.prepareStatement("SELECT min(size) FROM write_budget"
                + " WHERE size IS NOT NULL AND database = ? AND relation = ? AND at > ?")) {
            select.setString(1, databaseName);
            select.setLong(2, table);
            select.setLong(3, since);
            try (ResultSet row = select.executeQuery()) {
                row.next();
                long size = row.getLong(1);
                return row.wasNull() ? Optional.empty() : Optional.of(size);
            }
        }
    }

    @Override
    public void measured(String agentId, String databaseName, long table, long size, Duration window)
            throws ControlStoreUnavailableException {
        Instant now = clock.instant();
        database.perform(connection -> {
            removeExpired(connection, now);
            try (PreparedStatement insert = connection.prepareStatement(
                    "INSERT INTO write_budget (entry, agent_id,"
                            + " database, relation, changed, deleted, at, expires_at, size) VALUES (?, ?, ?, ?, 0, 0, ?, ?, ?)")) {
                insert.setString(1, "size_" + UUID.randomUUID());
                insert.setString(2, agentId);
                insert.setString(3, databaseName);
                insert.setLong(4, table);
                insert.setLong(5, now.toEpochMilli());
                insert.setLong(6, expires(now, window));
                insert.setLong(7, size);
                insert.executeUpdate();
            }
        });
    }

    private static long expires(Instant now, Duration window) {
        return now.plus(window.compareTo(KEPT) < 0 ? KEPT : window).toEpochMilli();
    }

    private static void removeExpired(Connection connection, Instant now) throws SQLException {
        try (PreparedStatement delete = connection.prepareStatement("DELETE FROM write_budget WHERE expires_at <= ?")) {
            delete.setLong(1, now.toEpochMilli());
            delete.executeUpdate();
        }
    }

    private static long used(Connection connection, String agentId, long since) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement(
                "SELECT coalesce(sum(changed), 0) FROM write_budget WHERE agent_id = ? AND at > ?")) {
            select.setString(1, agentId);
            select.setLong(2, since);
            try (ResultSet row = select.executeQuery()) {
                row.next();
                return row.getLong(1);
            }
        }
    }

    private static TableRows used(Connection connection, String agentId, String databaseName, long table, long since)
            throws SQLException {
        try (PreparedStatement select = connection.prepareStatement(
                "SELECT coalesce(sum(changed), 0), coalesce(sum(deleted), 0) FROM write_budget"
                        + " WHERE agent_id = ? AND at > ? AND database = ? AND relation = ?")) {
            select.setString(1, agentId);
            select.setLong(2, since);
            select.setString(3, databaseName);
            select.setLong(4, table);
            try (ResultSet row = select.executeQuery()) {
                row.next();
                return new TableRows(table, row.getLong(1), row.getLong(2));
            }
        }
    }

    @Override
    public void giveBack(String entry) throws ControlStoreUnavailableException {
        database.perform(connection -> {
            try (PreparedStatement delete = connection.prepareStatement("DELETE FROM write_budget WHERE entry = ?")) {
                delete.setString(1, entry);
                delete.executeUpdate();
            }
        });
    }
}
