package io.backstop.snapshot.internal.lock;

import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.snapshot.internal.reach.BlastRadius.Reached;
import io.backstop.snapshot.internal.session.CallerSession;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Sends LOCK for many tables in few statements. LOCK takes the tables one after the other in the order in which it names
 * them, and takes no snapshot for the transaction.
 */
final class LockStatements {
    /** Tables of one text. Long enough to make round trips rare, short enough for a failure to be told of few. */
    private static final int BATCH = 500;

    private static final int NAMED = 3;

    /** Others' locks on the tables that stand in the way of at least one of those wanted. */
    private static final String HOLDERS = """
            SELECT relation, pg_catalog.lower(mode) AS mode FROM pg_catalog.pg_locks
            WHERE granted AND locktype = 'relation' AND pid <> pg_catalog.pg_backend_pid()
              AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
              AND relation = ANY (%s)
            """;

    /** In milliseconds. */
    private static final String WAIT = "SELECT setting FROM pg_catalog.pg_settings WHERE name = 'lock_timeout'";

    private final CallerSession session;

    LockStatements(CallerSession session) {
        this.session = session;
    }

    /** @param tables in the order in which they are to be locked */
    void lock(List<Reached> tables) throws SQLException, RecoveryNotReadyException {
        for (int from = 0; from < tables.size(); from += BATCH) {
            lockTogether(tables.subList(from, Math.min(tables.size(), from + BATCH)));
        }
    }

    private void lockTogether(List<Reached> batch) throws SQLException, RecoveryNotReadyException {
        try {
            session.execute("SAVEPOINT backstop_lock; " + text(batch) + "; RELEASE SAVEPOINT backstop_lock");
        } catch (SQLException e) {
            throw refusal(batch, e);
        }
    }

    /** One LOCK for as long as the mode is the same: another order than the one given could deadlock. */
    private static String text(List<Reached> batch) {
        List<String> statements = new ArrayList<>();
        List<String> names = new ArrayList<>();
        for (int i = 0; i < batch.size(); i++) {
            names.add("ONLY " + batch.get(i).relation().name().quoted());
            String lock = batch.get(i).effect().lock();
            if (i + 1 == batch.size() || !batch.get(i + 1).effect().lock().equals(lock)) {
                statements.add("LOCK TABLE " + String.join(", ", names) + " IN " + lock + " MODE");
                names.clear();
            }
        }
        return String.join("; ", statements);
    }

    private RecoveryNotReadyException refusal(List<Reached> batch, SQLException failure) {
        List<Reached> named = batch;
        try {
            session.execute("ROLLBACK TO SAVEPOINT backstop_lock");
            named = inTheWay(batch);
        } catch (SQLException e) {
            failure.addSuppressed(e); // then the message names them all
        }
        return new RecoveryNotReadyException(
                words(named) + " could not be locked: " + CallerSession.reason(failure) + "; nothing was changed",
                hint(failure),
                failure);
    }

    /** Those that somebody else holds now; otherwise all, because whoever it was has let go. */
    private List<Reached> inTheWay(List<Reached> batch) throws SQLException {
        if (batch.size() == 1) {
            return batch;
        }
        List<Holder> holders = session.rows(
                HOLDERS.formatted(CallerSession.array(
                        batch.stream().map(reached -> reached.relation().oid()).toList())),
                row -> new Holder(row.getLong("relation"), row.getString("mode")));
        List<Reached> held = batch.stream()
                .filter(wanted -> holders.stream()
                        .anyMatch(holder -> holder.oid() == wanted.relation().oid()
                                && wanted.effect().conflictsWith(holder.mode())))
                .toList();
        return held.isEmpty() ? batch : held;
    }

    private static String words(List<Reached> tables) {
        String names = tables.stream()
                .limit(NAMED)
                .map(reached -> reached.relation().name().toString())
                .collect(Collectors.joining(", "));
        int others = tables.size() - NAMED;
        return (tables.size() == 1 ? "table " : "tables ") + names + (others > 0 ? " and " + others + " more" : "");
    }

    private String waited(SQLException failure) {
        try {
            return session.value(WAIT) + " ms";
        } catch (SQLException e) {
            failure.addSuppressed(e);
            return "the session's lock_timeout";
        }
    }

    private String hint(SQLException failure) {
        return switch (String.valueOf(failure.getSQLState())) {
            case "55P03" -> "another transaction held it for more than " + waited(failure) + "; run it again later";
            case "40P01" -> "another transaction waited for this one; run it again";
            case "42501" -> "the role has to be allowed to read and to write every table that the statement reaches";
            case "42P01" -> "it was renamed or dropped just now; run it again";
            case "53200" -> "raise max_locks_per_transaction of the server, or reach fewer tables at once";
            default -> "run it again when the reason is gone";
        };
    }

    /** A lock of another session, its mode as pg_locks spells it in lower case. */
    private record Holder(long oid, String mode) {}
}
