package io.backstop.recovery.internal.copyback;

import io.backstop.api.analysis.RelationName;
import io.backstop.recovery.internal.sql.RecoveryTransaction;
import io.backstop.recovery.model.CopybackPlan.Situation;
import io.backstop.snapshot.schema.DependentKind;
import io.backstop.snapshot.schema.TableDescription.Dependent;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * Children and partitions that are there, and that a script does not give to the restored parent: those that stay with a
 * parent that is set aside, and those that have left one that is gone. Whether they still fit is not for a script to say,
 * for it would fail as a whole where one does not.
 *
 * @param warning a sentence for people, or what it is where it follows
 * @param sql what would give the child to the restored parent
 * @param follows whether that is tried, for the parent's rows are merged into the restored one
 */
record DetachedChildren(String warning, List<String> sql, boolean follows) {
    private static final Set<DependentKind> ATTACHING = EnumSet.of(DependentKind.PARTITION_OF, DependentKind.INHERITS);

    private static final String CHILDREN = "SELECT c.oid::regclass::text, n.nspname, c.relname, "
            + "CASE WHEN c.relispartition THEN pg_get_expr(c.relpartbound, c.oid) ELSE '' END "
            + "FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
            + "JOIN pg_class p ON p.oid = i.inhparent JOIN pg_namespace s ON s.oid = p.relnamespace "
            + "WHERE s.nspname = ? AND p.relname = ? ORDER BY 1";

    /** @param aside the present tables that the script sets aside */
    static List<DetachedChildren> of(
            RecoveryTransaction transaction, List<PlannedTable> tables, List<DisplacedTable> aside)
            throws SQLException {
        List<DetachedChildren> left = new ArrayList<>();
        List<RelationName> moved =
                aside.stream().map(table -> table.present().name()).toList();
        for (DisplacedTable parent : aside) {
            RelationName name = parent.present().name();
            for (List<String> child : transaction.rows(CHILDREN, name.schema().orElseThrow(), name.name())) {
                if (!moved.contains(RelationName.of(child.get(1), child.get(2)))) {
                    left.add(staying(child.get(0), child.get(3), parent));
                }
            }
        }
        for (PlannedTable parent : tables) {
            if (parent.situation() == Situation.GONE) {
                left.addAll(strayed(parent.restored().original(), tables));
            }
        }
        return left;
    }

    /** @param bound of a partition, else empty */
    private static DetachedChildren staying(String child, String bound, DisplacedTable parent) {
        RelationName name = parent.present().name();
        RelationName aside = parent.names().target();
        boolean isPartition = !bound.isEmpty();
        boolean partitioned = parent.restored().description().partitionKey().isPresent();
        boolean follows = parent.since().isPresent() && isPartition == partitioned;
        String subject = (isPartition ? "partition " : "child ") + child + " of table " + name;
        List<String> sql = new ArrayList<>(follows ? parent.missingOfChild(child) : List.of());
        sql.addAll(
                isPartition
                        ? List.of(
                                "ALTER TABLE " + aside.quoted() + " DETACH PARTITION " + child,
                                "ALTER TABLE " + name.quoted() + " ATTACH PARTITION " + child + " " + bound)
                        : List.of(
                                "ALTER TABLE " + child + " NO INHERIT " + aside.quoted(),
                                "ALTER TABLE " + child + " INHERIT " + name.quoted()));
        return new DetachedChildren(
                follows
                        ? subject
                        : subject + " stays with " + aside
                                + ", for it is not restored by this: once it has the columns of"
                                + " the restored one, run what the script offers",
                sql,
                follows);
    }

    /** What was a child when it was stored, and is there without the parent, must have left it before it went. */
    private static List<DetachedChildren> strayed(RelationName parent, List<PlannedTable> tables) {
        List<DetachedChildren> strayed = new ArrayList<>();
        for (PlannedTable table : tables) {
            if (table.situation() == Situation.PRESENT) {
                for (Dependent place : table.restored().description().dependents()) {
                    if (ATTACHING.contains(place.kind())
                            && place.place().filter(on -> on.isOn(parent)).isPresent()) {
                        strayed.add(new DetachedChildren(
                                "table " + table.restored().original() + " had left " + parent
                                        + " before that went: if it is to be its child again, run what the script offers",
                                place.sql(),
                                false));
                    }
                }
            }
        }
        return strayed;
    }
}
