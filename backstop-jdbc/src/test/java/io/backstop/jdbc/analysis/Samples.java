package io.backstop.jdbc.analysis;

import java.util.List;

/** Statements of every risk whose words in lower case are ordinary identifiers, to be written in other ways. */
final class Samples {
    static final List<String> STATEMENTS = List.of(
            "SELECT a, b FROM t WHERE c = 'x' AND d > 1.5 ORDER BY a LIMIT 10",
            "SELECT count(*) FROM s.t AS u JOIN v ON u.a = v.b WHERE u.c IN (SELECT d FROM w)",
            "WITH q AS (DELETE FROM t WHERE a = 1 RETURNING *) SELECT * FROM q",
            "WITH q AS (DELETE FROM t RETURNING *) SELECT * FROM q",
            "INSERT INTO t (a, b) VALUES (1, 'x') ON CONFLICT (a) DO UPDATE SET b = 'y'",
            "UPDATE t SET a = 1, b = $1 WHERE c = $2",
            "UPDATE t SET a = 1",
            "DELETE FROM ONLY t AS u USING v WHERE u.a = v.a",
            "DELETE FROM t WHERE a = 1 OR TRUE",
            "MERGE INTO t USING v ON t.a = v.a WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (1)",
            "TRUNCATE t, s.v RESTART IDENTITY CASCADE",
            "DROP TABLE IF EXISTS s.t, v CASCADE",
            "DROP VIEW v",
            "DROP TRIGGER g ON t",
            "ALTER TABLE t ADD COLUMN a INT DEFAULT 1, DROP COLUMN b",
            "ALTER TABLE t ALTER COLUMN a TYPE TEXT",
            "ALTER TABLE t RENAME TO v",
            "CREATE TABLE t (a INT PRIMARY KEY, b TEXT)",
            "CREATE TEMP TABLE t AS SELECT a FROM v",
            "CREATE INDEX i ON t (a) WHERE b = 1",
            "CREATE VIEW v AS SELECT a FROM t",
            "COPY t (a, b) FROM STDIN",
            "COPY t TO '/tmp/x'",
            "COPY (SELECT a FROM t) TO STDOUT",
            "EXPLAIN ANALYZE DELETE FROM t",
            "EXPLAIN (ANALYZE OFF) DELETE FROM t",
            "PREPARE p AS UPDATE t SET a = 1 WHERE b = 2",
            "DECLARE c CURSOR FOR SELECT a FROM t",
            "SELECT lo_unlink(a) FROM t",
            "SELECT pg_read_file('x')",
            "SELECT set_config('role', 'x', FALSE)",
            "SET row_security = OFF",
            "SET search_path TO a, b",
            "BEGIN ISOLATION LEVEL SERIALIZABLE",
            "VACUUM FULL t",
            "GRANT SELECT ON t TO r",
            "REFRESH MATERIALIZED VIEW v",
            "CALL p(1)",
            "FETCH 10 FROM c",
            "SELECT a INTO v FROM t",
            "FROB t");

    private Samples() {}
}
