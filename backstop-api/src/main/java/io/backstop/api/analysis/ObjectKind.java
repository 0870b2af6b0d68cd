package io.backstop.api.analysis;

/** The kinds of object that a statement can name as its target. Immutable, thread-safe. */
public enum ObjectKind {
    TABLE,
    FOREIGN_TABLE,
    VIEW,
    MATERIALIZED_VIEW,
    SEQUENCE,
    INDEX,
    SCHEMA,
    DATABASE,
    TABLESPACE,
    EXTENSION,
    ROLE,
    TYPE,
    DOMAIN,
    FUNCTION,
    /** A target of any other kind: trigger, policy, publication and so on. */
    OTHER
}
