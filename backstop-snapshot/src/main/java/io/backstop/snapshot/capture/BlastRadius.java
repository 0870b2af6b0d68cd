package io.backstop.snapshot.capture;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The tables that a statement reaches with the strongest thing that it does to each, in the order of their oids. */
record BlastRadius(Map<Long, Reached> tables) {
    BlastRadius {
        tables = new TreeMap<>(tables);
    }

    List<Relation> relations() {
        return tables.values().stream().map(Reached::relation).toList();
    }

    /** What can be locked and has rows of its own; the others are kept by their definition. */
    BlastRadius local() {
        Map<Long, Reached> local = new TreeMap<>(tables);
        local.values().removeIf(reached -> reached.relation().isForeign());
        return new BlastRadius(local);
    }

    List<Relation> foreign() {
        return relations().stream().filter(Relation::isForeign).toList();
    }

    /** A table and what happens to it. */
    record Reached(Relation relation, Effect effect) {}
}
