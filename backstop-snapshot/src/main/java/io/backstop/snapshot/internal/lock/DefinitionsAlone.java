package io.backstop.snapshot.internal.lock;

import io.backstop.snapshot.internal.session.Relation;

import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/** All rows of most tables, and none of those that lose definitions alone. Immutable. */
public record DefinitionsAlone(Set<Long> tables) implements RowSelection {
    public DefinitionsAlone {
        tables = Set.copyOf(tables);
    }

    public static DefinitionsAlone of(Collection<Relation> relations) {
        return new DefinitionsAlone(relations.stream().map(Relation::oid).collect(Collectors.toSet()));
    }

    @Override
    public boolean only(Relation table) {
        return false;
    }

    @Override
    public boolean none(Relation table) {
        return tables.contains(table.oid());
    }

    @Override
    public List<String> conditions(Relation table) {
        return List.of();
    }
}
