package io.backstop.snapshot.schema;

/** The kinds of thing that hang on a table. */
public enum DependentKind implements CatalogWord {
    AGGREGATE("aggregate"),
    /** An index of a partition, attached to that of its partitioned table. */
    ATTACHED_INDEX("attached index"),
    CAST("cast"),
    /** The index that CLUSTER uses. */
    CLUSTER("cluster"),
    /** Storage, statistics and options of a materialized view's column. */
    COLUMN_OPTIONS("column options"),
    /** The compression of a materialized view's column. */
    COMPRESSION("compression"),
    CONSTRAINT("constraint"),
    DEFAULT("default"),
    DOMAIN("domain"),
    EXTENSION_DEPENDENCY("extension dependency"),
    EXTENSION_MEMBER("extension member"),
    FOREIGN_KEY("foreign key"),
    FUNCTION("function"),
    GRANT("grant"),
    INDEX("index"),
    /** Which columns and constraints come from parents alone. */
    INHERITED_PARTS("inherited parts"),
    INHERITS("inherits"),
    /** A key of a partitioned table alone, not of its partitions. */
    KEY("key"),
    MATERIALIZED_VIEW("materialized view"),
    OF_TYPE("of type"),
    OPERATOR("operator"),
    OWNED_SEQUENCE("owned sequence"),
    OWNER("owner"),
    PARTITION_OF("partition of"),
    POLICY("policy"),
    PROCEDURE("procedure"),
    PUBLICATION("publication"),
    REPLICA_IDENTITY("replica identity"),
    ROW_SECURITY("row security"),
    RULE("rule"),
    SECURITY_LABEL("security label"),
    STATISTICS("statistics"),
    TABLESPACE("tablespace"),
    TRIGGER("trigger"),
    /** Whether a partition's trigger fires, where that differs from its partitioned table's. */
    TRIGGER_STATE("trigger state"),
    VIEW("view");

    private final String text;

    DependentKind(String text) {
        this.text = text;
    }

    @Override
    public String text() {
        return text;
    }

    @Override
    public String toString() {
        return text;
    }
}
