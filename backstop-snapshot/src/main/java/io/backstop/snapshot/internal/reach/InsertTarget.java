package io.backstop.snapshot.internal.reach;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.internal.postgres.InheritanceTree;
import io.backstop.api.snapshot.InsertedValues;
import io.backstop.api.snapshot.RowQuery;
import io.backstop.snapshot.internal.session.CallerSession;
import io.backstop.snapshot.internal.session.Relation;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * The table that a statement inserts into, with its partitions, and how the rows are found in it that the statement has made.
 *
 * @param table the table
 * @param tree it, its partitions and children, by their oids
 * @param search by columns of an index; empty where the table is small enough to be read
 */
public record InsertTarget(Relation table, List<Long> tree, List<Search> search) {
    public InsertTarget {
        tree = List.copyOf(tree);
        search = List.copyOf(search);
    }

    /** Pages that are read faster than anything can be asked about them: 8 MB as servers are built. */
    private static final int FEW_PAGES = 1024;

    private static final String TREE = InheritanceTree.query("%d::pg_catalog.oid");

    /**
     * Permanent heap tables without rules. A serializable transaction that reads a table depends on all that others insert into
     * it.
     */
    private static final String SUITED = """
            SELECT pg_catalog.bool_and(c.relpersistence <> 't'
                    AND (c.relkind = 'p' OR (c.relkind = 'r' AND a.amname IS NOT DISTINCT FROM 'heap')))
                AND NOT EXISTS (SELECT FROM pg_catalog.pg_rewrite WHERE ev_class = ANY (%1$s))
                AND pg_catalog.current_setting('transaction_isolation') <> 'serializable',
                pg_catalog.sum(pg_catalog.pg_relation_size(c.oid))
                    / pg_catalog.current_setting('block_size')::pg_catalog.int8
            FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_am a ON a.oid = c.relam WHERE c.oid = ANY (%1$s)
            """;

    /**
     * The columns of indexes, those of the primary key first and those of unique ones before others; each with the sequence
     * that feeds it, where it may be asked.
     */
    private static final String INDEXED = """
            SELECT i.indexrelid, i.indisunique, i.indnkeyatts, k.place, a.attname,
                pg_catalog.format_type(a.atttypid, a.atttypmod) AS type, t.typcategory = 'A' AS is_array,
                (SELECT pg_catalog.count(*) FROM pg_catalog.pg_attribute b
                 WHERE b.attrelid = a.attrelid AND b.attnum > 0 AND NOT b.attisdropped AND b.attnum < a.attnum) AS before,
                s.seqrelid, s.seqincrement, s.seqstart - s.seqincrement AS beginning
            FROM pg_catalog.pg_index i
            JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
            JOIN pg_catalog.pg_opclass o ON o.oid = i.indclass[0]
            JOIN pg_catalog.pg_am m ON m.oid = o.opcmethod AND m.amname = 'btree'
            CROSS JOIN LATERAL pg_catalog.unnest(i.indkey::pg_catalog.int2[]) WITH ORDINALITY k (attnum, place)
            JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum AND a.attnum > 0
            JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
            LEFT JOIN LATERAL (
                SELECT q.* FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_sequence q ON q.seqrelid = d.objid
                WHERE d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = a.attrelid
                    AND d.refobjsubid = a.attnum AND d.deptype IN ('a', 'i')
                    AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                    AND pg_catalog.has_sequence_privilege(q.seqrelid, 'USAGE, SELECT')
                ORDER BY q.seqrelid LIMIT 1) s ON true
            WHERE i.indrelid = %d AND i.indisvalid AND i.indpred IS NULL AND k.place <= i.indnkeyatts
            ORDER BY i.indisprimary DESC, i.indisunique DESC, x.relname, k.place
            """;

    /**
     * Empty where its rows could not be told from others.
     *
     * @param updates whether the statement may change rows that are there, too
     */
    public static Optional<InsertTarget> of(CallerSession session, long oid, InsertedValues insert, boolean updates)
            throws SQLException {
        List<Long> tree = session.rows(TREE.formatted(oid), row -> row.getLong(1));
        Relation table = Relation.read(session, List.of(oid)).get(oid);
        Pages pages = session.rows(
                        SUITED.formatted(CallerSession.array(tree)),
                        row -> new Pages(row.getBoolean(1), row.getLong(2)))
                .get(0);
        if (table == null
                || !pages.suited()
                || table.system()
                || !CoverableTable.canBeMade(session, tree)
                || (updates && !CoverableTable.isKeyed(session, tree))) {
            return Optional.empty();
        }
        if (pages.count() <= FEW_PAGES) {
            return Optional.of(new InsertTarget(table, tree, List.of()));
        }
        List<Search> search = new ArrayList<>();
        for (Search column : best(session.rows(INDEXED.formatted(oid), row -> Indexed.read(row, insert)))) {
            search.add(column.begun(session));
        }
        return search.isEmpty() ? Optional.empty() : Optional.of(new InsertTarget(table, tree, search));
    }

    /**
     * All columns of a unique index, or one that a sequence feeds and an index begins with: no more rows are looked at then than
     * were made, or numbers given, meanwhile. Any other index may lead to half of the table.
     */
    private static List<Search> best(List<Indexed> columns) {
        Map<Long, List<Indexed>> indexes = columns.stream()
                .collect(Collectors.groupingBy(Indexed::index, LinkedHashMap::new, Collectors.toList()));
        for (List<Indexed> index : indexes.values()) {
            List<Search> known =
                    index.stream().flatMap(column -> column.search().stream()).toList();
            if (index.get(0).unique() && known.size() == index.get(0).width()) {
                return known;
            }
            Optional<Search> first = index.get(0).place() == 1 ? index.get(0).search() : Optional.empty();
            if (first.filter(Search::bySequence).isPresent()) {
                return List.of(first.get());
            }
        }
        return List.of();
    }

    /**
     * The query for the rows that have been made since, with their {@code tableoid} and {@code ctid}; to be sent with the
     * caller's search path, as the INSERT was.
     *
     * @param numbers the {@code xmin} that they have
     * @param beside whether rows that were there may have new versions with these numbers, in the same partition: they were
     *     locked before they were changed, which an inserted row never was
     */
    public RowQuery made(CallerSession session, Collection<String> numbers, boolean beside) throws SQLException {
        String made = "x.xmin OPERATOR(pg_catalog.=) ANY ('{" + String.join(",", numbers) + "}'::pg_catalog.xid[])"
                + (beside ? " AND x.xmax OPERATOR(pg_catalog.=) '0'::pg_catalog.xid" : "");
        String all = "SELECT x.tableoid, x.ctid FROM " + table.name().quoted() + " x WHERE " + made;
        StringBuilder found = new StringBuilder(all);
        for (Search column : search) {
            found.append(" AND ").append(column.condition(session));
        }
        return new RowQuery(found.toString(), true);
    }

    private record Pages(boolean suited, long count) {}

    /** A column of an index, and how it leads to the rows; empty where nothing is known of their values. */
    private record Indexed(long index, boolean unique, int width, int place, Optional<Search> search) {
        static Indexed read(ResultSet row, InsertedValues insert) throws SQLException {
            return new Indexed(
                    row.getLong("indexrelid"),
                    row.getBoolean("indisunique"),
                    row.getInt("indnkeyatts"),
                    row.getInt("place"),
                    Search.of(row, insert));
        }
    }

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

        boolean bySequence() {
            return values.isEmpty();
        }

        Search begun(CallerSession session) throws SQLException {
            return bySequence()
                    ? new Search(column, type, values, sequence, increment, beginning, last(session))
                    : this;
        }

        private long last(CallerSession session) throws SQLException {
            return Long.parseLong(session.value(
                    "SELECT coalesce(pg_catalog.pg_sequence_last_value(" + sequence + "), " + beginning + ")"));
        }

        String condition(CallerSession session) throws SQLException {
            String name = "x." + RelationName.quote(column);
            if (!bySequence()) {
                return name + " = ANY (ARRAY[" + String.join(", ", values) + "]::" + type + "[])";
            }
            long to = last(session);
            return name + " BETWEEN " + Math.min(from + increment, to) + " AND " + Math.max(from + increment, to);
        }
    }
}
