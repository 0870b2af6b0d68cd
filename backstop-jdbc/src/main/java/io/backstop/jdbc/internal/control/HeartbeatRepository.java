package io.backstop.jdbc.internal.control;

import io.backstop.api.control.Heartbeat;
import io.backstop.api.control.Heartbeats;
import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.api.snapshot.DatabaseIdentity;
import io.backstop.api.snapshot.ServerIdentity;

import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** The heartbeats as a table with a row for each sidecar. Thread-safe. */
public final class HeartbeatRepository implements Heartbeats {
    private final ControlDatabase database;
    private final Clock clock;

    public HeartbeatRepository(ControlDatabase database, Clock clock) {
        this.database = database;
        this.clock = clock;
    }

    @Override
    public void beat(String sidecar, String databaseName, Optional<DatabaseIdentity> identity, Set<Long> tables)
            throws ControlStoreUnavailableException {
        database.perform(connection -> {
            try (PreparedStatement insert = connection.prepareStatement(
                    "INSERT INTO heartbeats (sidecar, at, database, tables, system_identifier, timeline, database_oid)"
                            + " VALUES (?, ?, ?, ?, ?, ?, ?)"
                            + " ON CONFLICT (sidecar) DO UPDATE SET at = excluded.at, database = excluded.database,"
                            + " tables = excluded.tables, system_identifier = excluded.system_identifier,"
                            + " timeline = excluded.timeline, database_oid = excluded.database_oid")) {
                insert.setString(1, sidecar);
                insert.setLong(2, clock.millis());
                insert.setString(3, databaseName);
                insert.setString(4, ControlJson.write(new TreeSet<>(tables)));
                insert.setString(
                        5, identity.map(of -> of.server().systemIdentifier()).orElse(null));
                insert.setObject(
                        6, identity.flatMap(of -> of.server().timeline()).orElse(null));
                insert.setObject(7, identity.map(DatabaseIdentity::databaseOid).orElse(null));
                insert.executeUpdate();
            }
        });
    }

    @Override
    public List<Heartbeat> of(String databaseName) throws ControlStoreUnavailableException {
        return database.read(connection -> {
            List<Heartbeat> heartbeats = new ArrayList<>();
            try (PreparedStatement select = connection.prepareStatement("SELECT sidecar, tables, at,"
                    + " system_identifier, timeline, database_oid FROM heartbeats WHERE database = ?")) {
                select.setString(1, databaseName);
                try (ResultSet row = select.executeQuery()) {
                    while (row.next()) {
                        heartbeats.add(new Heartbeat(
                                row.getString(1),
                                databaseName,
                                identity(row),
                                Arrays.stream(ControlJson.read(row.getString(2), long[].class))
                                        .boxed()
                                        .collect(Collectors.toSet()),
                                Instant.ofEpochMilli(row.getLong(3))));
                    }
                }
            }
            return heartbeats;
        });
    }

    /** Empty in heartbeats from before it was stored, too. */
    private static Optional<DatabaseIdentity> identity(ResultSet row) throws SQLException {
        Optional<String> server = Optional.ofNullable(row.getString("system_identifier"));
        Optional<Long> timeline = Optional.ofNullable(row.getString("timeline")).map(Long::valueOf);
        long databaseOid = row.getLong("database_oid");
        return server.map(of -> new DatabaseIdentity(new ServerIdentity(of, timeline), databaseOid));
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
