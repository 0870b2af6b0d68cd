package io.backstop.recovery;

import io.backstop.api.analysis.RelationName;
import io.backstop.recovery.CopybackPlanner.PlannedTable;
import io.backstop.snapshot.schema.TableDescription.Constraint;
import io.backstop.snapshot.schema.TableDescription.ConstraintKind;

import java.util.ArrayList;
import java.util.List;

/** Puts tables of a recovery group into an order in which what a foreign key refers to comes before what refers. */
final class ForeignKeyOrder {
    private static final String REFERENCES = " REFERENCES ";

    private ForeignKeyOrder() {}

    /** As given as far as the foreign keys allow; where they go in a circle, the circle as given. */
    static List<RestoredTable> of(List<RestoredTable> tables) {
        List<RestoredTable> remaining = new ArrayList<>(tables);
        List<RestoredTable> ordered = new ArrayList<>();
        while (!remaining.isEmpty()) {
            RestoredTable next = remaining.stream()
                    .filter(t -> remaining.stream().noneMatch(other -> !other.equals(t) && refers(t, other)))
                    .findFirst()
                    .orElse(remaining.get(0));
            remaining.remove(next);
            ordered.add(next);
        }
        return ordered;
    }

    /** {@code ALTER TABLE … ALTER CONSTRAINT …} of the keys that no order of the tables can satisfy. */
    static List<String> circular(List<PlannedTable> present) {
        List<RestoredTable> ordered =
                present.stream().map(PlannedTable::restored).toList();
        List<String> keys = new ArrayList<>();
        for (PlannedTable table : present) {
            PresentTable now = table.present().orElseThrow();
            for (Constraint key : forward(now.description().constraints(), table.restored(), ordered)) {
                if (!key.definition().contains(" DEFERRABLE")) {
                    keys.add("ALTER TABLE " + now.name().quoted() + " ALTER CONSTRAINT "
                            + RelationName.quote(key.name()));
                }
            }
        }
        return keys;
    }

    /** The foreign keys among these that refer to a table which comes later in the order. */
    private static List<Constraint> forward(
            List<Constraint> constraints, RestoredTable table, List<RestoredTable> ordered) {
        List<RestoredTable> later = ordered.subList(ordered.indexOf(table) + 1, ordered.size());
        return constraints.stream()
                .filter(c -> c.kind() == ConstraintKind.FOREIGN_KEY)
                .filter(key -> later.stream().anyMatch(t -> refersTo(key.definition(), t.original())))
                .toList();
    }

    private static boolean refers(RestoredTable from, RestoredTable to) {
        return foreignKeys(from).stream().anyMatch(key -> refersTo(key.definition(), to.original()));
    }

    private static List<Constraint> foreignKeys(RestoredTable table) {
        return table.description().constraints().stream()
                .filter(c -> c.kind() == ConstraintKind.FOREIGN_KEY)
                .toList();
    }

    /** Whether a foreign key's definition names the table after REFERENCES, in whichever spelling. */
    static boolean refersTo(String definition, RelationName table) {
        return SqlText.spellings(table).stream().anyMatch(spelling -> definition.contains(REFERENCES + spelling + "("));
    }
}
