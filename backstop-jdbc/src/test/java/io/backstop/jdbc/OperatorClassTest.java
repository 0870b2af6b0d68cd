package io.backstop.jdbc;

import io.backstop.api.error.StatementBlockedException;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.atomic.AtomicInteger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Comparisons of the user's, which sorting and grouping run without a name in the text. */
@ExtendWith(PostgresExtension.class)
class OperatorClassTest {
    private static final AtomicInteger AGENTS = new AtomicInteger();

    private TestDatabase database;

    @TempDir
    private Path folder;

    @BeforeEach
    void create(TestDatabase testDatabase) throws SQLException {
        database = testDatabase;
        database.run(
                "DROP SCHEMA public CASCADE",
                "CREATE SCHEMA public",
                "CREATE TABLE kept (id int)",
                "INSERT INTO kept VALUES (1)",
                "CREATE TYPE pair AS (p int, q int)",
                "CREATE TABLE plain (id int, note text)",
                "INSERT INTO plain VALUES (1, 'x'), (2, 'y')",
                "CREATE TABLE sorted (id int, j json, p pair)",
                "INSERT INTO sorted VALUES (1, '1', (1, 1)), (2, '2', (2, 2))");
    }

    private void createClass(String type, String kind, String smaller) throws SQLException {
        database.run(
                "CREATE FUNCTION smaller(%1$s, %1$s) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true'"
                        .formatted(type),
                "CREATE OPERATOR <# (FUNCTION = smaller, LEFTARG = %1$s, RIGHTARG = %1$s)".formatted(type),
                "CREATE FUNCTION compare(%1$s, %1$s) RETURNS int LANGUAGE plpgsql AS 'BEGIN DELETE FROM public.kept; RETURN 0; END'"
                        .formatted(type),
                "CREATE OPERATOR CLASS c %s FOR TYPE %s USING btree AS OPERATOR 1 %s, FUNCTION 1 compare(%s, %s)"
                        .formatted(kind, type, smaller, type, type));
    }

    private void read(String sql) throws Exception {
        try (Backstop backstop = Backstop.builder()
                        .policy("read-only")
                        .control(folder.resolve("backstop.db"))
                        .build();
                Connection reader = backstop.guard(database.connect());
                Statement statement = reader.createStatement()) {
            Backstop.asAgent("agent " + AGENTS.incrementAndGet(), () -> statement.execute(sql));
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "pair | DEFAULT | <# | SELECT 1 | SELECT DISTINCT p FROM sorted",
                "pair | DEFAULT | <# | CREATE VIEW v AS SELECT p FROM sorted | SELECT * FROM v ORDER BY 1",
                "pair | DEFAULT | <# | SELECT 1 | SELECT max(id) FROM sorted GROUP BY p",
                "pair | DEFAULT | <# | SELECT 1 | SELECT * FROM (VALUES (ROW(1, 2)::pair), (ROW(2, 2)::pair)) v (p) ORDER BY p",
                "json | DEFAULT | <# | SELECT 1 | SELECT * FROM sorted ORDER BY j",
                "json | DEFAULT | <# | SELECT 1 | SELECT * FROM (VALUES ('1'::json), ('2')) v (j) ORDER BY j",
                "int4 | | <# | SELECT 1 | SELECT id FROM plain ORDER BY id USING <#",
                "int4 | | <# | CREATE INDEX ON sorted (id c)| SELECT id FROM sorted WHERE id <# 7"
            })
    void what_compares_by_code_of_the_users_does_not_run(
            String type, String kind, String smaller, String definition, String sql) throws Exception {
        createClass(type, kind == null ? "" : kind, smaller);
        database.run(definition, "DELETE FROM kept", "INSERT INTO kept VALUES (1)");
        assertThatThrownBy(() -> read(sql)).isInstanceOf(StatementBlockedException.class);
        assertThat(database.value("SELECT count(*) FROM kept")).isEqualTo("1");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "pair | DEFAULT | SELECT DISTINCT id, note FROM plain WHERE id < 7 ORDER BY note",
                "int4 | | SELECT DISTINCT id, note FROM plain WHERE id < 7 ORDER BY id",
                "int4 | | SELECT * FROM sorted ORDER BY id"
            })
    void what_does_not_compare_so_is_no_hindrance(String type, String kind, String sql) throws SQLException {
        createClass(type, kind == null ? "" : kind, "<#");
        database.run("CREATE TABLE indexed (id int)");
        if (type.equals("int4")) {
            database.run("CREATE INDEX ON indexed (id c)");
        }
        assertThatCode(() -> read(sql)).doesNotThrowAnyException();
        assertThat(database.value("SELECT count(*) FROM kept")).isEqualTo("1");
    }
}
