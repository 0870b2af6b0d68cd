package io.backstop.snapshot.internal.lock;

import io.backstop.api.snapshot.RowQuery;
import io.backstop.snapshot.internal.session.CallerSession;
import io.backstop.snapshot.internal.session.Relation;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.LongStream;

/**
 * Rows that this transaction has locked, so that nobody else can change or delete them: by table, where they are in its
 * pages. A place stays the row's own until the transaction ends, even where the transaction itself deletes it. Immutable.
 */
public final class LockedRowIdentities implements RowSelection {
    public static final LockedRowIdentities NONE = new LockedRowIdentities(Map.of());

    /** So many that they are better read as a table than one by one, and take little memory yet. */
    public static final int MOST = 100_000;

    /** Places of one text. */
    private static final int BATCH = 10_000;

    /** An offset within a page has so many bits (PostgreSQL documentation, 8.19). */
    private static final int OFFSET_BITS = 16;

    private final Map<Long, long[]> places;

    /** Tables of which nothing else is meant. */
    private final Set<Long> tables;

    private LockedRowIdentities(Map<Long, long[]> places) {
        this(places, places.keySet());
    }

    private LockedRowIdentities(Map<Long, long[]> places, Set<Long> tables) {
        this.places = Map.copyOf(places);
        this.tables = Set.copyOf(tables);
    }

    /** The same rows, and none of these tables' others, also where no row of a table is among them. */
    public LockedRowIdentities onlyIn(Set<Long> oids) {
        return new LockedRowIdentities(places, oids);
    }

    /**
     * Sends the query, with the session's settings as they are, except that its wait for locks has an end.
     *
     * @param tables where the rows may be
     * @return empty where rows cannot be told so: they are too many, elsewhere, or the query is not one for this server
     * @throws SQLException where it would have been one, but others were in the way
     */
    public static Optional<LockedRowIdentities> lock(
            CallerSession session, RowQuery query, Set<Long> tables, Duration timeout) throws SQLException {
        LockWait wait = LockWait.limit(session, timeout);
        Map<Long, LongStream.Builder> found = new HashMap<>();
        int rows = 0;
        try (Statement statement = session.connection().createStatement()) {
            statement.setEscapeProcessing(false);
            try (ResultSet row = statement.executeQuery(query.sql() + " LIMIT " + (MOST + 1))) {
                while (row.next()) {
                    found.computeIfAbsent(row.getLong(1), table -> LongStream.builder())
                            .add(place(row.getString(2)));
                    rows++;
                }
            }
        } catch (SQLException e) {
            if (isInTheWay(e)) {
                // Not the failure itself: what the server says to this text may hold its values.
                throw new SQLException(
                        "the rows that the statement would take could not be locked [" + e.getSQLState() + "]",
                        e.getSQLState());
            }
            return Optional.empty();
        }
        wait.restore();
        if (rows > MOST || !tables.containsAll(found.keySet())) {
            return Optional.empty();
        }
        Map<Long, long[]> places = new HashMap<>();
        found.forEach((table, each) ->
                places.put(table, each.build().sorted().distinct().toArray()));
        return Optional.of(new LockedRowIdentities(places));
    }

    /** Waited too long, deadlock, no resources, cancelled, connection lost. It would be the same again. */
    public static boolean isInTheWay(SQLException failure) {
        String state = String.valueOf(failure.getSQLState());
        return state.equals("55P03")
                || state.equals("40P01")
                || state.startsWith("08")
                || state.startsWith("25")
                || state.startsWith("53")
                || state.startsWith("57");
    }

    private static long place(String ctid) {
        int comma = ctid.indexOf(',');
        long page = Long.parseLong(ctid.substring(1, comma));
        return page << OFFSET_BITS | Long.parseLong(ctid.substring(comma + 1, ctid.length() - 1));
    }

    public boolean isEmpty() {
        return places.isEmpty();
    }

    /** Whether some of them are in this table. */
    public boolean in(Relation table) {
        return places.containsKey(table.oid());
    }

    @Override
    public boolean only(Relation table) {
        return tables.contains(table.oid());
    }

    public long count() {
        return places.values().stream().mapToLong(each -> each.length).sum();
    }

    @Override
    public List<String> conditions(Relation table) {
        long[] all = places.getOrDefault(table.oid(), new long[0]);
        List<String> conditions = new ArrayList<>();
        for (int from = 0; from < all.length; from += BATCH) {
            conditions.add(Arrays.stream(all, from, Math.min(all.length, from + BATCH))
                    .mapToObj(
                            place -> "\"(" + (place >> OFFSET_BITS) + "," + (place & ((1 << OFFSET_BITS) - 1)) + ")\"")
                    .collect(Collectors.joining(",", "ctid = ANY ('{", "}'::pg_catalog.tid[])")));
        }
        return conditions;
    }
}
