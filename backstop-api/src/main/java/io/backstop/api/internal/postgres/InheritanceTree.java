package io.backstop.api.internal.postgres;

/** A table with its partitions and children, of every level. Stateless. */
public final class InheritanceTree {
    private InheritanceTree() {}

    /**
     * A query for the oids of the tree. Every name is qualified, so that it means the same on any search path.
     *
     * @param root an SQL expression for the oid of the table on top
     */
    public static String query(String root) {
        return """
            WITH RECURSIVE tree (oid) AS (
                SELECT :root
                UNION
                SELECT inhrelid FROM pg_catalog.pg_inherits JOIN tree ON inhparent OPERATOR(pg_catalog.=) tree.oid)
            SELECT oid FROM tree""".replace(":root", root);
    }
}
