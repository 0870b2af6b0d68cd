package io.backstop.snapshot.describe;

import io.backstop.api.snapshot.SnapshotManifest.TableIdentity;
import io.backstop.snapshot.internal.session.CallerSession;

import java.sql.SQLException;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;

/** Reads from the catalog which tables these are, whatever they are called. */
public final class TableIdentities {
    private static final String SELECT = """
            SELECT c.oid, (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()),
                   coalesce(pg_catalog.pg_relation_filenode(c.oid), 0),
                   pg_catalog.pg_stat_get_tuples_inserted(c.oid) + pg_catalog.pg_stat_get_tuples_updated(c.oid)
                       + pg_catalog.pg_stat_get_tuples_deleted(c.oid)
                       + coalesce(pg_catalog.pg_stat_get_xact_tuples_inserted(c.oid)
                           + pg_catalog.pg_stat_get_xact_tuples_updated(c.oid)
                           + pg_catalog.pg_stat_get_xact_tuples_deleted(c.oid), 0)
            FROM pg_catalog.pg_class c WHERE c.oid = ANY (%s)
            """;

    private TableIdentities() {}

    /** Those that exist, by oid. */
    public static Map<Long, TableIdentity> read(CallerSession session, Collection<Long> oids) throws SQLException {
        Map<Long, TableIdentity> identities = new HashMap<>();
        for (TableIdentity identity : session.rows(
                SELECT.formatted(CallerSession.array(oids)),
                row -> new TableIdentity(row.getLong(2), row.getLong(1), row.getLong(3), row.getLong(4)))) {
            identities.put(identity.tableOid(), identity);
        }
        return identities;
    }
}
