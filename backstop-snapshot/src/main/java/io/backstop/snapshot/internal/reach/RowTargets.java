package io.backstop.snapshot.internal.reach;

import io.backstop.api.analysis.Destruction;
import io.backstop.api.internal.postgres.InheritanceTree;
import io.backstop.snapshot.internal.reach.BlastRadius.Reached;
import io.backstop.snapshot.internal.session.CallerSession;
import io.backstop.snapshot.internal.session.Relation;

import java.sql.SQLException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The table that an UPDATE or DELETE names, with its partitions and children: where the rows that it takes can be told one by
 * one, because nothing but the statement's own condition and triggers decides which they are.
 *
 * @param named the table
 * @param oids it and its partitions and children
 * @param triggers whether users' triggers stand by, here or on a table that the statement reaches from here
 */
public record RowTargets(Relation named, Set<Long> oids, boolean triggers) {
    private static final String TREE = InheritanceTree.query("%d::pg_catalog.oid");

    /**
     * Heap tables without rules, to which no foreign key's action leads back. {@code %1$s} are the parts, {@code %2$s} all
     * that is reached, {@code %3$s} the actions that may follow.
     */
    private static final String SUITED = """
            SELECT NOT EXISTS (
                SELECT FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_am a ON a.oid = c.relam
                WHERE c.oid = ANY (%1$s) AND c.relkind <> 'p' AND (c.relkind <> 'r' OR a.amname IS DISTINCT FROM 'heap'))
            AND NOT EXISTS (SELECT FROM pg_catalog.pg_rewrite WHERE ev_class = ANY (%1$s))
            AND NOT EXISTS (
                SELECT FROM pg_catalog.pg_constraint WHERE contype = 'f' AND conrelid = ANY (%1$s)
                AND confrelid = ANY (%2$s) AND (%3$s)),
            EXISTS (SELECT FROM pg_catalog.pg_trigger
                WHERE tgrelid = ANY (%2$s) AND NOT tgisinternal AND tgenabled <> 'D')
            """;

    private static final String ON_UPDATE = "confupdtype IN ('c', 'n', 'd')";
    private static final String ON_DELETE = "confdeltype IN ('c', 'n', 'd')";

    /** Whether ordinary writes to it can be covered, which lock their rows before they run. */
    public boolean isCoverable(CallerSession session, boolean updates) throws SQLException {
        return CoverableTable.canBeLocked(session, oids, updates);
    }

    /** @param radius what the statement reaches */
    public static Optional<RowTargets> of(
            CallerSession session, BlastRadiusResolver resolver, Destruction destruction, BlastRadius radius)
            throws SQLException {
        Optional<Long> oid = resolver.oid(destruction.relations().get(0));
        Reached named = oid.map(radius.tables()::get).orElse(null);
        if (named == null) {
            return Optional.empty(); // a view, or gone
        }
        List<Long> oids = session.rows(TREE.formatted(oid.get()), row -> row.getLong(1));
        boolean updates = destruction.kind() == Destruction.Kind.UPDATE;
        String suited = SUITED.formatted(
                CallerSession.array(oids),
                CallerSession.array(radius.tables().keySet()),
                updates ? ON_UPDATE : ON_UPDATE + " OR " + ON_DELETE);
        if (!radius.tables().keySet().containsAll(oids)) {
            return Optional.empty();
        }
        return session.rows(
                        suited,
                        row -> row.getBoolean(1)
                                ? Optional.of(new RowTargets(named.relation(), new HashSet<>(oids), row.getBoolean(2)))
                                : Optional.<RowTargets>empty())
                .get(0);
    }

    /** The same radius, but that of these tables only rows are locked. */
    public BlastRadius lockedByRow(BlastRadius radius) {
        Map<Long, Reached> tables = new HashMap<>(radius.tables());
        tables.replaceAll(
                (oid, reached) -> oids.contains(oid) ? new Reached(reached.relation(), Effect.TAKEN_BY_ROW) : reached);
        return new BlastRadius(tables);
    }

    /** What else is reached, and is saved whole. */
    public BlastRadius others(BlastRadius radius) {
        Map<Long, Reached> tables = new HashMap<>(radius.tables());
        tables.keySet().removeAll(oids);
        return new BlastRadius(tables);
    }

    public List<Relation> relations(BlastRadius radius) {
        return radius.relations().stream()
                .filter(relation -> oids.contains(relation.oid()))
                .toList();
    }
}
