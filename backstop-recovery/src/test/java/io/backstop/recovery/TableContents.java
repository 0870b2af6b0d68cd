package io.backstop.recovery;

import io.backstop.testing.TestDatabase;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/** Everything about the tables and views of a schema that somebody could miss, copies made by a recovery left out. */
final class TableContents {
    private static final String RELATION =
            " relnamespace = ':schema'::regnamespace AND relname NOT LIKE '%\\_recovered' ";

    private static final List<String> PARTS = List.of(
            "SELECT conrelid::regclass::text, conname, convalidated, pg_get_constraintdef(k.oid), "
                    + "obj_description(k.oid, 'pg_constraint') FROM pg_constraint k JOIN pg_class c ON c.oid = conrelid WHERE"
                    + RELATION + "ORDER BY 1, 2",
            "SELECT pg_get_indexdef(indexrelid) FROM pg_index JOIN pg_class c ON c.oid = indrelid WHERE" + RELATION
                    + "ORDER BY 1",
            "SELECT attrelid::regclass::text, attacl, attname, format_type(atttypid, atttypmod), attnotnull, attidentity, "
                    + "attgenerated, pg_get_expr(adbin, adrelid), "
                    + "pg_get_serial_sequence(format('%I.%I', ':schema', relname), attname) "
                    + "FROM pg_attribute JOIN pg_class c ON c.oid = attrelid "
                    + "LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum "
                    + "WHERE attnum > 0 AND NOT attisdropped AND relkind IN ('r', 'p') AND" + RELATION
                    + "ORDER BY 1, attnum",
            "SELECT sequencename, last_value, increment_by, min_value, max_value FROM pg_sequences "
                    + "WHERE schemaname = ':schema' AND sequencename NOT LIKE '%recovered%' ORDER BY 1",
            "SELECT relname, relowner::regrole, relacl, relrowsecurity, reloptions FROM pg_class "
                    + "WHERE relkind IN ('r', 'v', 'm', 'p') AND" + RELATION + "ORDER BY 1",
            "SELECT tgrelid::regclass::text, tgname, tgenabled, pg_get_triggerdef(t.oid) FROM pg_trigger t "
                    + "JOIN pg_class c ON c.oid = tgrelid WHERE NOT tgisinternal AND" + RELATION + "ORDER BY 1, 2",
            "SELECT inhrelid::regclass::text, inhparent::regclass::text, pg_get_expr(relpartbound, c.oid) "
                    + "FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid WHERE" + RELATION + "ORDER BY 1",
            "SELECT * FROM pg_policies WHERE schemaname = ':schema' ORDER BY 1, 2, 3");

    private TableContents() {}

    static List<String> of(TestDatabase database, String schema) throws SQLException {
        List<String> truth = new ArrayList<>();
        for (String table : database.rows(("SELECT format('%I', relname) FROM pg_class "
                        + "WHERE relkind IN ('r', 'v', 'm', 'p') AND" + RELATION + "ORDER BY 1")
                .replace(":schema", schema))) {
            truth.addAll(
                    database.rows("SELECT '" + table + "', t::text FROM " + schema + "." + table + " t ORDER BY 2"));
        }
        for (String part : PARTS) {
            truth.addAll(database.rows(part.replace(":schema", schema)));
        }
        return truth;
    }
}
