package io.backstop.snapshot.internal.loss;

import io.backstop.api.snapshot.RowMismatch;
import io.backstop.snapshot.internal.lock.LockedRowIdentities;
import io.backstop.snapshot.internal.reach.RowTargets;
import io.backstop.snapshot.internal.session.CallerSession;
import io.backstop.snapshot.internal.session.CaptureSettings;
import io.backstop.snapshot.internal.session.Relation;

import java.sql.SQLException;
import java.util.List;
import java.util.Optional;

/**
 * Compares which rows a statement took of a table with those that were locked and saved for it. The server's counters tell
 * how many rows of the table the transaction has updated or deleted since the look before, each version of a row once; the
 * saved ones are asked for by their places. So many taken as were saved, and all the saved ones gone: then they are the same.
 * Of a statement that may leave some of them, so many taken as are gone of the saved ones: then it took no others.
 * The argument is made in {@code docs/adr/0009-rows-by-identity.md}.
 */
public final class AffectedRowsCheck {
    private static final String TOUCHED = """
            SELECT coalesce(pg_catalog.sum(coalesce(pg_catalog.pg_stat_get_xact_tuples_updated(o), 0)
                + coalesce(pg_catalog.pg_stat_get_xact_tuples_deleted(o), 0)), 0)::pg_catalog.int8
            FROM pg_catalog.unnest(%s) o
            """;

    private final CallerSession session;
    private final RowTargets parts;
    private final List<Relation> relations;
    private final LockedRowIdentities rows;
    private final long touchedBefore;
    private final boolean exact;

    private AffectedRowsCheck(
            CallerSession session,
            RowTargets parts,
            List<Relation> relations,
            LockedRowIdentities rows,
            long touchedBefore,
            boolean exact) {
        this.exact = exact;
        this.session = session;
        this.parts = parts;
        this.relations = relations;
        this.rows = rows;
        this.touchedBefore = touchedBefore;
    }

    /**
     * Looks at the counters before anything of the statement's is sent, its query included: that could change rows too.
     *
     * @param exact whether it is to take each of the rows; else it takes none but these
     */
    public static Before before(CallerSession session, RowTargets parts, List<Relation> relations, boolean exact)
            throws SQLException {
        long touched = touched(session, parts);
        return rows -> new AffectedRowsCheck(session, parts, relations, rows, touched, exact);
    }

    /** Leaves the session as it was. */
    public Optional<RowMismatch> compare() throws SQLException {
        session.execute("SAVEPOINT backstop_taken");
        CaptureSettings.apply(session);
        long taken = touched(session, parts) - touchedBefore;
        long gone = rows.count() - visible();
        session.execute("ROLLBACK TO SAVEPOINT backstop_taken; RELEASE SAVEPOINT backstop_taken");
        return gone == taken && (taken == rows.count() || (!exact && taken < rows.count()))
                ? Optional.empty()
                : Optional.of(
                        new RowMismatch(parts.named().name().toString(), rows.count(), gone, taken, parts.triggers()));
    }

    private long visible() throws SQLException {
        long visible = 0;
        for (Relation relation : relations) {
            for (String condition : rows.conditions(relation)) {
                visible += Long.parseLong(session.value("SELECT pg_catalog.count(*) FROM ONLY "
                        + relation.name().quoted() + " WHERE " + condition));
            }
        }
        return visible;
    }

    private static long touched(CallerSession session, RowTargets parts) throws SQLException {
        return Long.parseLong(session.value(TOUCHED.formatted(CallerSession.array(parts.oids()))));
    }

    /** The look before, waiting for the rows. */
    @FunctionalInterface
    public interface Before {
        AffectedRowsCheck saved(LockedRowIdentities rows);
    }
}
