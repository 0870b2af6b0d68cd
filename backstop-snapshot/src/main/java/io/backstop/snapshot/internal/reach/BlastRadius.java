package io.backstop.snapshot.internal.reach;

import io.backstop.snapshot.internal.session.Relation;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The tables that a statement reaches with the strongest thing that it does to each, by their oids and in that order, so
 * that what is stored and said of them does not depend on how they were found.
 */
public record BlastRadius(Map<Long, Reached> tables) {
    public BlastRadius {
        tables = new TreeMap<>(tables);
    }

    public List<Relation> relations() {
        return tables.values().stream().map(Reached::relation).toList();
    }

    /** What can be locked and has rows of its own; the others are kept by their definition. */
    public BlastRadius local() {
        Map<Long, Reached> local = new HashMap<>(tables);
        local.values().removeIf(reached -> reached.relation().isForeign());
        return new BlastRadius(local);
    }

    /** Those of them that other sessions can see. */
    public BlastRadius permanent() {
        Map<Long, Reached> permanent = new HashMap<>(local().tables);
        permanent.values().removeIf(reached -> reached.relation().isTemporary());
        return new BlastRadius(permanent);
    }

    /** The session's own, which no other session can store. */
    public BlastRadius temporary() {
        Map<Long, Reached> temporary = new HashMap<>(tables);
        temporary.values().removeIf(reached -> !reached.relation().isTemporary());
        return new BlastRadius(temporary);
    }

    /** Those whose rows, or whose rest, go or are kept along; not those that lose definitions alone. */
    public BlastRadius withRows() {
        Map<Long, Reached> others = new HashMap<>(tables);
        others.values().removeIf(reached -> reached.effect().takesDefinitionsAlone());
        return new BlastRadius(others);
    }

    /** Those that lose definitions alone. */
    public List<Relation> redefined() {
        return tables.values().stream()
                .filter(reached -> reached.effect().takesDefinitionsAlone())
                .map(Reached::relation)
                .toList();
    }

    public List<Relation> foreign() {
        return relations().stream().filter(Relation::isForeign).toList();
    }

    /** A table and what happens to it. */
    public record Reached(Relation relation, Effect effect) {}
}
