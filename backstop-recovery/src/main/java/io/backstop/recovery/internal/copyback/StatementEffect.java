package io.backstop.recovery.internal.copyback;

import io.backstop.api.analysis.Destruction;
import io.backstop.api.snapshot.SnapshotManifest.Coverage;
import io.backstop.recovery.model.RestoredTable;
import io.backstop.snapshot.schema.TableDescription.ForeignKey;

/** What became of stored rows by the statement that their snapshot was taken for. */
enum StatementEffect {
    /** They were gone from the table after it: what is there under their keys was written since. */
    REMOVED,
    /** They were still there, some or all with other values: what is missing was removed since, or has another key. */
    CHANGED,
    /** The snapshot does not tell, or was taken for no statement. */
    UNKNOWN;

    static StatementEffect of(RestoredTable table) {
        return table.manifest().operation().map(kind -> of(kind, table)).orElse(UNKNOWN);
    }

    private static StatementEffect of(Destruction.Kind kind, RestoredTable table) {
        return switch (kind) {
            case TRUNCATE, DROP_TABLE, DROP_SCHEMA -> REMOVED;
            // A table that is stored whole may be one whose foreign key the deletion of others' rows sets.
            case DELETE ->
                table.manifest().coverage() == Coverage.TABLE
                                && table.description().constraints().stream()
                                        .flatMap(constraint -> constraint.foreignKey().stream())
                                        .anyMatch(StatementEffect::isSet)
                        ? UNKNOWN
                        : REMOVED;
            case UPDATE -> CHANGED;
            case ALTER_TABLE, DROP_VIEW, DROP_MATERIALIZED_VIEW, DROP_OBJECT, UNRECOVERABLE -> UNKNOWN;
        };
    }

    /**
     * Whether it took each stored row: then what is there was not stored, or was written since. A DELETE whose table is stored
     * whole may have left most of it.
     */
    static boolean tookEachRow(RestoredTable table) {
        return of(table) == REMOVED
                && (table.manifest().coverage() == Coverage.ROWS
                        || table.manifest()
                                .operation()
                                .filter(Destruction.Kind.DELETE::equals)
                                .isEmpty());
    }

    private static boolean isSet(ForeignKey key) {
        return switch (key.onDelete()) {
            case SET_NULL, SET_DEFAULT -> true;
            case NO_ACTION, RESTRICT, CASCADE -> false;
        };
    }
}
