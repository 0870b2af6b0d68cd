package io.backstop.api.analysis;

import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * Names rows that a statement would remove or overwrite, as far as its text says; a snapshot begins with them.
 * Immutable, thread-safe.
 *
 * @param kind in which way
 * @param relations the relations that the statement names, or the schemas for {@link Kind#DROP_SCHEMA} (then as names
 *     without a schema)
 * @param cascade whether the statement says CASCADE
 * @param scoped whether a WHERE narrows it to some rows; always false for what is not DELETE or UPDATE
 */
public record Destruction(Kind kind, List<RelationName> relations, boolean cascade, boolean scoped) {
    public Destruction {
        Objects.requireNonNull(kind, "kind");
        relations = List.copyOf(relations);
    }

    /** Whether a snapshot of tables can undo it. */
    public boolean recoverable() {
        return kind != Kind.UNRECOVERABLE;
    }

    /** Whether views alone go, which have no rows of their own and take nothing along. */
    public boolean ofViewsAlone() {
        return (kind == Kind.DROP_VIEW || kind == Kind.DROP_MATERIALIZED_VIEW) && !cascade;
    }

    /** The ways in which rows go. */
    public enum Kind {
        /** DELETE, also within a WITH or a MERGE. */
        DELETE(CommandTag.DELETE),
        /** UPDATE, also within a WITH, a MERGE or ON CONFLICT. */
        UPDATE(CommandTag.UPDATE),
        TRUNCATE(CommandTag.TRUNCATE),
        /** DROP TABLE and DROP FOREIGN TABLE. */
        DROP_TABLE(CommandTag.DROP_TABLE),
        DROP_VIEW(CommandTag.DROP_VIEW),
        DROP_MATERIALIZED_VIEW(CommandTag.DROP_MATERIALIZED_VIEW),
        DROP_SCHEMA(CommandTag.DROP_SCHEMA),
        /** ALTER TABLE that drops a column or rewrites its values. */
        ALTER_TABLE(CommandTag.ALTER_TABLE),
        /**
         * DROP … CASCADE of a type, domain, function, sequence or index, with the columns and tables that depend on it. The
         * statement's {@link RemovedDefinition}s say which class of object each name is.
         */
        DROP_OBJECT,
        /** Objects that no snapshot of tables brings back: a database, a server file, code run unseen. */
        UNRECOVERABLE;

        private final Optional<CommandTag> command;

        Kind(CommandTag command) {
            this.command = Optional.of(command);
        }

        Kind() {
            this.command = Optional.empty();
        }

        /** The command that destroys in this way; empty where many do. */
        public Optional<CommandTag> command() {
            return command;
        }

        /** As a policy names it: {@code DROP TABLE}. */
        public String text() {
            return command.map(CommandTag::text).orElse(name());
        }
    }
}
