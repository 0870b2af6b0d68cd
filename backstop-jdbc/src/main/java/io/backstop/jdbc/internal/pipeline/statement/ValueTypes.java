package io.backstop.jdbc.internal.pipeline.statement;

import java.util.HashSet;
import java.util.Set;

/**
 * The types that bound values bring with them. Immutable.
 *
 * @param names in every spelling that the driver may look one up by
 * @param own the oids of those that are not PostgreSQL's own, as the driver sends them. It remembers a type under the name that
 *     it had when it was first asked for, so that the catalog may know it by another one now, or by none
 */
public record ValueTypes(Set<String> names, Set<Long> own) {
    /** No value brings one. */
    public static final ValueTypes NONE = new ValueTypes(Set.of(), Set.of());

    public ValueTypes {
        names = Set.copyOf(names);
        own = Set.copyOf(own);
    }

    /** The same with these names, too. */
    public ValueTypes and(Set<String> more) {
        if (names.containsAll(more)) {
            return this;
        }
        Set<String> all = new HashSet<>(names);
        all.addAll(more);
        return new ValueTypes(all, own);
    }

    /** The same with one that is not PostgreSQL's own. */
    public ValueTypes andOwn(long oid) {
        if (own.contains(oid)) {
            return this;
        }
        Set<Long> all = new HashSet<>(own);
        all.add(oid);
        return new ValueTypes(names, all);
    }
}
