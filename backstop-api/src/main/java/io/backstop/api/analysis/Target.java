package io.backstop.api.analysis;

import java.util.Objects;

/** An object that a statement changes or removes, under the name that the statement wrote. Immutable, thread-safe. */
public record Target(ObjectKind kind, RelationName name) {
    public Target {
        Objects.requireNonNull(kind, "kind");
        Objects.requireNonNull(name, "name");
    }
}
