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

    /** A table and what happens to it. */
    record Reached(Relation relation, Effect effect) {}
}
