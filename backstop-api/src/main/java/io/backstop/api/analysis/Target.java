package io.backstop.api.analysis;

import java.util.Objects;

/** An object that a statement changes or removes, as written. */
public record Target(ObjectKind kind, RelationName name) {
    public Target {
        Objects.requireNonNull(kind, "kind");
        Objects.requireNonNull(name, "name");
    }
}
