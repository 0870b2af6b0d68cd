package io.backstop.jdbc.internal.analysis.detail;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;

class RowLockQueryTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            value = {
                "DELETE FROM t WHERE id = 1 ~ t ~ t ~ id = 1",
                "delete from ONLY t where id = 1; ~ t ~ ONLY t ~ id = 1",
                "DELETE FROM t * WHERE a ~ t ~ t * ~ a",
                "DELETE FROM ONLY (s.t) WHERE a ~ t ~ ONLY (s.t) ~ a",
                "DELETE FROM s.t AS x WHERE x.a ~ x ~ s.t AS \"x\" ~ x.a",
                "DELETE FROM s.T WHERE a ~ t ~ s.T ~ a",
                "DELETE FROM \"S\".\"a \"\"b\" WHERE a ~ a \"\"b ~ \"S\".\"a \"\"b\" ~ a",
                "DELETE FROM t \"Alias\" WHERE a ~ Alias ~ t AS \"Alias\" ~ a",
                "DELETE FROM t U&\"d\\0061ta\" WHERE a ~ data ~ t AS \"data\" ~ a",
                "DELETE FROM t USING u, v JOIN w USING (id) WHERE t.id = u.id ~ t ~ t, u, v JOIN w USING (id) ~ t.id = u.id",
                "DELETE FROM t USING (SELECT 1 FROM u WHERE b) AS x WHERE c ~ t ~ t, (SELECT 1 FROM u WHERE b) AS x ~ c",
                "DELETE FROM t USING ROWS FROM (f(1)) AS x WHERE c ~ t ~ t, ROWS FROM (f(1)) AS x ~ c",
                "DELETE FROM t WHERE id IN (SELECT id FROM u WHERE b RETURNING) ~ t ~ t ~ id IN (SELECT id FROM u WHERE b RETURNING)",
                "DELETE FROM t WHERE a IS DISTINCT FROM b RETURNING * ~ t ~ t ~ a IS DISTINCT FROM b",
                "DELETE FROM t WHERE s = 'x RETURNING y' RETURNING id, (SELECT 1) ~ t ~ t ~ s = 'x RETURNING y'",
                "DELETE FROM t WHERE s = $x$ ' WHERE $x$ AND b ~ t ~ t ~ s = $x$ ' WHERE $x$ AND b",
                "DELETE FROM t WHERE a = 1 -- RETURNING ~ t ~ t ~ a = 1",
                "DELETE FROM t /* AS x */ WHERE /* all */ a = 1 /* b */ ~ t ~ t ~ a = 1",
                "DELETE FROM t WHERE extract(year FROM at) = 1 ~ t ~ t ~ extract(year FROM at) = 1",
                "DELETE FROM t WHERE CASE WHEN a THEN b ELSE c END ~ t ~ t ~ CASE WHEN a THEN b ELSE c END",
                "UPDATE t SET a = 1 WHERE id = 1 ~ t ~ t ~ id = 1",
                "UPDATE ONLY s.t AS x SET a = 1, (b, c) = (1, 2) WHERE id = 1 ~ x ~ ONLY s.t AS \"x\" ~ id = 1",
                "UPDATE t x SET a = b IS DISTINCT FROM c WHERE d ~ x ~ t AS \"x\" ~ d",
                "UPDATE t SET a = b IS NOT DISTINCT FROM c FROM u WHERE d ~ t ~ t, u ~ d",
                "UPDATE t SET a = (SELECT 1 FROM u WHERE v) WHERE d ~ t ~ t ~ d",
                "UPDATE t SET a = substring(b FROM 2 FOR 3) WHERE d ~ t ~ t ~ d",
                "UPDATE t SET a = extract(year FROM b), c = CASE WHEN x THEN y END FROM u LEFT JOIN v ON true WHERE d"
                        + " ~ t ~ t, u LEFT JOIN v ON true ~ d",
                "UPDATE t SET a = 'FROM u WHERE' WHERE d RETURNING a AS \"where\" ~ t ~ t ~ d",
                "UPDATE t SET a[1] = 2, b.c = 3 WHERE d ~ t ~ t ~ d",
            })
    void tells_the_rows_of(String statement, String row, String from, String condition) {
        assertThat(RowLockQuery.query(statement, true))
                .contains("SELECT \"" + row + "\".tableoid, \"" + row + "\".ctid FROM " + from + " WHERE (" + condition
                        + ") FOR " + (statement.startsWith("UPDATE") ? "NO KEY UPDATE" : "UPDATE") + " OF \"" + row
                        + "\"");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "DELETE FROM t",
                "UPDATE t SET a = 1",
                "UPDATE t SET a = 1 FROM u",
                "DELETE FROM t WHERE",
                "DELETE FROM t USING WHERE a",
                "DELETE FROM t WHERE CURRENT OF c",
                "UPDATE t SET a = 1 WHERE CURRENT OF c",
                "WITH x AS (SELECT 1) DELETE FROM t WHERE a IN (SELECT * FROM x)",
                "WITH x AS (DELETE FROM u) UPDATE t SET a = 1 WHERE b",
                "DELETE FROM t WHERE a; DELETE FROM t WHERE b",
                "DELETE FROM t WHERE a; SELECT 1",
                "MERGE INTO t USING u ON t.id = u.id WHEN MATCHED AND u.a THEN DELETE",
                "MERGE INTO t USING u ON t.id = u.id WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN DO NOTHING",
                "MERGE INTO t USING u ON t.id = u.id WHEN NOT MATCHED BY SOURCE THEN DELETE",
                "INSERT INTO t (id) VALUES (1)",
                "INSERT INTO t (id) VALUES (1) ON CONFLICT DO NOTHING",
                "INSERT INTO t (id) VALUES (1) ON CONFLICT ON CONSTRAINT k DO UPDATE SET a = 1",
                "INSERT INTO t (id) VALUES (1) ON CONFLICT (lower(id)) DO UPDATE SET a = 1",
                "INSERT INTO t (id) VALUES (1) ON CONFLICT (other) DO UPDATE SET a = 1",
                "INSERT INTO t (id) VALUES (nextval('s')) ON CONFLICT (id) DO UPDATE SET a = 1",
                "INSERT INTO t VALUES (1) ON CONFLICT (id) DO UPDATE SET a = 1 WHERE b",
                "EXPLAIN ANALYZE DELETE FROM t WHERE a",
                "PREPARE p AS DELETE FROM t WHERE a",
                "SELECT * FROM t WHERE a",
                "TRUNCATE t",
                "DELETE FROM t WHERE id = ?",
                "DELETE FROM t WHERE id = $1",
                "UPDATE t SET a = ? WHERE b",
                "DELETE FROM t WHERE (a",
                "DELETE FROM t WHERE a) OR (b",
                "DELETE FROM t WHERE 'a",
                "DELETE FROM t WHERE pg_terminate_backend(id)",
                "DELETE FROM t WHERE lo_unlink(id) = 1",
                "DELETE FROM t WHERE setval('s', id) > 0",
            })
    void leaves_to_whole_tables(String statement) {
        assertThat(RowLockQuery.query(statement, true)).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "INSERT INTO s.t AS x (a, id) VALUES ('y, (', 1), (f[1, 2], 2) ON CONFLICT (id) DO UPDATE SET a = 1"
                        + "|SELECT r.tableoid, r.ctid FROM `s`.`t` AS r WHERE (r.`id`) IN (((1)), ((2))) FOR NO KEY"
                        + " UPDATE OF r",
                "INSERT INTO t (a, id) SELECT b.a, b.id FROM b JOIN c ON b.id = c.id ON CONFLICT (id, a) DO UPDATE SET v = 1"
                        + "|SELECT r.tableoid, r.ctid FROM `t` AS r WHERE (r.`id`, r.`a`) IN (SELECT q.`id`, q.`a` FROM"
                        + " (SELECT b.a, b.id FROM b JOIN c ON b.id = c.id) AS q (`a`, `id`)) FOR NO KEY UPDATE OF r",
                "MERGE INTO t USING u ON t.id = u.id WHEN MATCHED THEN DELETE"
                        + "|SELECT `t`.tableoid, `t`.ctid FROM t, u WHERE (t.id = u.id) FOR UPDATE OF `t`",
                "MERGE INTO t AS x USING (u JOIN w ON u.a = w.a) ON x.id = u.id WHEN MATCHED AND u.b THEN UPDATE SET a = 1"
                        + "|SELECT `x`.tableoid, `x`.ctid FROM t AS `x`, (u JOIN w ON u.a = w.a) WHERE (x.id = u.id) FOR"
                        + " NO KEY UPDATE OF `x`"
            })
    void locks_what_an_upsert_or_a_merge_may_change(String statement, String query) {
        assertThat(RowLockQuery.query(statement, true)).contains(query.replace('`', '"'));
    }

    @Test
    void reads_strings_as_the_session_does() {
        String statement = "DELETE FROM t WHERE s = 'a\\' OR b RETURNING ' RETURNING c";
        assertThat(RowLockQuery.query(statement, false))
                .hasValueSatisfying(
                        query -> assertThat(query).contains("WHERE (s = 'a\\' OR b RETURNING ') FOR UPDATE"));
        assertThat(RowLockQuery.query(statement, true)).isEmpty();
    }
}
