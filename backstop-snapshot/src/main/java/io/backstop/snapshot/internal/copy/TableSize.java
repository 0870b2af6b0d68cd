package io.backstop.snapshot.internal.copy;

import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.snapshot.SnapshotRequest;
import io.backstop.snapshot.internal.lock.LockedRowIdentities;
import io.backstop.snapshot.internal.reach.BlastRadius;
import io.backstop.snapshot.internal.session.CallerSession;
import io.backstop.snapshot.internal.session.Relation;

import java.sql.SQLException;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** How large tables are on disk. */
public final class TableSize {
    private static final String PAGES = """
            SELECT o, pg_catalog.pg_relation_size(o) / pg_catalog.current_setting('block_size')::pg_catalog.int8
            FROM pg_catalog.unnest(%s) o
            """;

    private TableSize() {}

    /** The pages of each table's main fork. */
    public static Map<Long, Long> pages(CallerSession session, Collection<Long> tables) throws SQLException {
        Map<Long, Long> pages = new HashMap<>();
        for (Size size : session.rows(
                PAGES.formatted(CallerSession.array(tables)), row -> new Size(row.getLong(1), row.getLong(2)))) {
            pages.put(size.table(), size.pages());
        }
        return pages;
    }

    /**
     * For rows that are saved one by one, and tables that are saved whole along with them.
     *
     * @param parts the tables that hold the rows
     */
    public static void refuseTooLarge(
            CallerSession session,
            BlastRadius whole,
            List<Relation> parts,
            LockedRowIdentities rows,
            SnapshotRequest request)
            throws SQLException, RecoveryNotReadyException {
        if (request.maxBytes() == Long.MAX_VALUE) {
            return;
        }
        long bytes = bytes(session, whole);
        for (Relation part : parts) {
            for (String condition : rows.conditions(part)) {
                bytes += Long.parseLong(session.value("SELECT coalesce(sum((" + widths(session, part)
                        + ")::int8), 0)::int8 FROM ONLY " + part.name().quoted() + " WHERE " + condition));
            }
        }
        if (bytes > request.maxBytes()) {
            throw new RecoveryNotReadyException(
                    "the rows that the statement takes (" + names(parts) + ") take " + bytes
                            + " bytes on disk with all that they take along, more than the " + request.maxBytes()
                            + " that may be saved inline",
                    "raise max_inline_snapshot_bytes in the policy, or take fewer rows at once");
        }
    }

    /** What a row's values take as they are stored; long ones are not fetched for it. */
    private static String widths(CallerSession session, Relation table) throws SQLException {
        return session.value(
                "SELECT coalesce(string_agg('coalesce(pg_column_size(' || quote_ident(attname) || '), 0)', "
                        + "' + '), '0') FROM pg_attribute WHERE attnum > 0 AND NOT attisdropped AND attrelid = "
                        + table.oid());
    }

    private static long bytes(CallerSession session, BlastRadius radius) throws SQLException {
        return Long.parseLong(session.value("SELECT coalesce(sum(pg_table_size(o)), 0)::int8 FROM unnest("
                + CallerSession.array(radius.tables().keySet()) + ") o"));
    }

    /** Others wait for the tables as long as the copy takes, and the policy bounds that. */
    public static void refuseTooLarge(CallerSession session, BlastRadius radius, SnapshotRequest request)
            throws SQLException, RecoveryNotReadyException {
        long bytes = bytes(session, radius);
        if (bytes > request.maxBytes()) {
            throw new RecoveryNotReadyException(
                    "the tables that the statement reaches (" + names(radius.relations()) + ") take " + bytes
                            + " bytes on disk, more than the " + request.maxBytes() + " that may be saved inline",
                    "raise max_inline_snapshot_bytes in the policy, or save the tables beforehand with backstop "
                            + "snapshots create");
        }
    }

    private static String names(List<Relation> relations) {
        List<String> names =
                relations.stream().map(relation -> relation.name().toString()).toList();
        return names.size() <= 3 ? String.join(", ", names) : names.get(0) + " and " + (names.size() - 1) + " more";
    }

    private record Size(long table, long pages) {}
}
