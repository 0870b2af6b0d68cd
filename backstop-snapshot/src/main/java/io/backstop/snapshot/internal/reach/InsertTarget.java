package io.backstop.snapshot.internal.reach;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.internal.postgres.InheritanceTree;
import io.backstop.api.snapshot.InsertedValues;
import io.backstop.api.snapshot.RowQuery;
import io.backstop.snapshot.internal.session.CallerSession;
import io.backstop.snapshot.internal.session.Relation;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/**
 * The table that a statement inserts into, with its partitions, and how the rows are found in it that the statement has made.
 *
 * @param table the table
 * @param tree it, its partitions and children, by their oids
 * @param search by an indexed column; empty where the table is small enough to be read
 */
public record InsertTarget(Relation table, List<Long> tree, Optional<Search> search) {
    /** Pages that are read faster than anything can be asked about them: 8 MB as servers are built. */
    private static final int FEW_PAGES = 1024;

    private static final String TREE = InheritanceTree.query("%d::pg_catalog.oid");

    /** Permanent heap tables without rules. */
    private static final String SUITED = """
            SELECT pg_catalog.bool_and(c.relpersistence <> 't'
                    AND (c.relkind = 'p' OR (c.relkind = 'r' AND a.amname IS NOT DISTINCT FROM 'heap')))
                AND NOT EXISTS (SELECT FROM pg_catalog.pg_rewrite WHERE ev_class = ANY (%1$s)),
                pg_catalog.sum(pg_catalog.pg_relation_size(c.oid))
                    / pg_catalog.current_setting('block_size')::pg_catalog.int8
            FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_am a ON a.oid = c.relam WHERE c.oid = ANY (%1$s)
            """;

    /** Columns by which rows are found quickly, the best first; each with the sequence that feeds it, where it may be asked. */
    private static final String SEARCHED = """
            SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod) AS type, t.typcategory = 'A' AS is_array,
                (SELECT pg_catalog.count(*) FROM pg_catalog.pg_attribute b
                 WHERE b.attrelid = a.attrelid AND b.attnum > 0 AND NOT b.attisdropped AND b.attnum < a.attnum) AS before,
                s.seqrelid, s.seqincrement, s.seqstart - s.seqincrement AS beginning
            FROM pg_catalog.pg_index i
            JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
            JOIN pg_catalog.pg_opclass o ON o.oid = i.indclass[0]
            JOIN pg_catalog.pg_am m ON m.oid = o.opcmethod AND m.amname = 'btree'
            JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
            JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
            LEFT JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
                AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum AND d.deptype IN ('a', 'i')
                AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
            LEFT JOIN pg_catalog.pg_sequence s
                ON s.seqrelid = d.objid AND pg_catalog.has_sequence_privilege(s.seqrelid, 'USAGE, SELECT')
            WHERE i.indrelid = %d AND i.indisvalid AND i.indpred IS NULL AND a.attnum > 0
            ORDER BY i.indisprimary DESC, i.indisunique DESC, x.relname, s.seqrelid
            """;

    /** Empty where its rows could not be told from others. */
    public static Optional<InsertTarget> of(CallerSession session, long oid, InsertedValues insert)
            throws SQLException {
        List<Long> tree = session.rows(TREE.formatted(oid), row -> row.getLong(1));
        Relation table = Relation.read(session, List.of(oid)).get(oid);
        Pages pages = session.rows(
                        SUITED.formatted(CallerSession.array(tree)),
                        row -> new Pages(row.getBoolean(1), row.getLong(2)))
                .get(0);
        if (table == null || !pages.suited() || table.system()) {
            return Optional.empty();
        }
        if (pages.count() <= FEW_PAGES) {
            return Optional.of(new InsertTarget(table, tree, Optional.empty()));
        }
        Optional<Search> search = session.rows(SEARCHED.formatted(oid), row -> Search.of(row, insert)).stream()
                .flatMap(Optional::stream)
                .findFirst();
        if (search.isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(
                new InsertTarget(table, tree, Optional.of(search.get().begun(session))));
    }

    /**
     * The query for the rows that have been made since, with their {@code tableoid} and {@code ctid}; to be sent with the
     * caller's search path, as the INSERT was.
     *
     * @param numbers the {@code xmin} that they have
     * @param beside whether rows that were there have new versions with these numbers: they were locked before they were
     *     changed, which an inserted row never was
     */
    public RowQuery made(CallerSession session, Collection<String> numbers, boolean beside) throws SQLException {
        String made = "x.xmin OPERATOR(pg_catalog.=) ANY ('{" + String.join(",", numbers) + "}'::pg_catalog.xid[])"
                + (beside ? " AND x.xmax OPERATOR(pg_catalog.=) '0'::pg_catalog.xid" : "");
        String all = "SELECT x.tableoid, x.ctid FROM " + table.name().quoted() + " x WHERE " + made;
        return new RowQuery(search.isPresent() ? all + " AND " + search.get().condition(session) : all, true);
    }

    private record Pages(boolean suited, long count) {}

    /**
     * A column by which the rows are found: by the values that the text gives it, or by those that its sequence has given
     * since.
     *
     * @param from the sequence's last value before; with the values of the text, none is asked for
     */
    private record Search(
            String column, String type, List<String> values, long sequence, long increment, long beginning, long from) {
        static Optional<Search> of(ResultSet row, InsertedValues insert) throws SQLException {
            String column = row.getString("attname");
            int place = insert.columns().isEmpty()
                    ? row.getInt("before")
                    : insert.columns().indexOf(column);
            List<String> values = place >= 0 && place < insert.values().size() && !row.getBoolean("is_array")
                    ? insert.values().get(place)
                    : List.of();
            long sequence = row.getLong("seqrelid");
            return values.isEmpty() && sequence == 0
                    ? Optional.empty()
                    : Optional.of(new Search(
                            column,
                            row.getString("type"),
                            values,
                            sequence,
                            row.getLong("seqincrement"),
                            row.getLong("beginning"),
                            0));
        }

        Search begun(CallerSession session) throws SQLException {
            return values.isEmpty()
                    ? new Search(column, type, values, sequence, increment, beginning, last(session))
                    : this;
        }

        private long last(CallerSession session) throws SQLException {
            return Long.parseLong(session.value(
                    "SELECT coalesce(pg_catalog.pg_sequence_last_value(" + sequence + "), " + beginning + ")"));
        }

        String condition(CallerSession session) throws SQLException {
            String name = "x." + RelationName.quote(column);
            if (!values.isEmpty()) {
                return name + " = ANY (ARRAY[" + String.join(", ", values) + "]::" + type + "[])";
            }
            long to = last(session);
            return name + " BETWEEN " + Math.min(from + increment, to) + " AND " + Math.max(from + increment, to);
        }
    }
}
