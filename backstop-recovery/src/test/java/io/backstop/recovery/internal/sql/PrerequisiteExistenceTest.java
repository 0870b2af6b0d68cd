package io.backstop.recovery.internal.sql;

import io.backstop.snapshot.schema.PrerequisiteKind;
import io.backstop.snapshot.schema.TableDescription.Prerequisite;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;

/** Whether something exists is asked by its kind and its name; nothing that a snapshot holds is evaluated for that. */
@ExtendWith(PostgresExtension.class)
class PrerequisiteExistenceTest {
    private TestDatabase database;

    @BeforeEach
    void objects(TestDatabase testDatabase) throws SQLException {
        database = testDatabase;
        database.run(
                "DROP SCHEMA IF EXISTS \"a b\" CASCADE",
                "DROP SERVER IF EXISTS there CASCADE",
                "DROP FOREIGN DATA WRAPPER IF EXISTS wrapper CASCADE",
                "DROP TABLE IF EXISTS public.ran",
                "CREATE TABLE public.ran (what text)",
                "CREATE SCHEMA \"a b\"",
                "CREATE FOREIGN DATA WRAPPER wrapper",
                "CREATE SERVER there FOREIGN DATA WRAPPER wrapper",
                "CREATE TYPE \"a b\".shell",
                "CREATE TYPE \"a b\".mood AS ENUM ('x')",
                "CREATE DOMAIN \"a b\".\"Do.Main\" AS int",
                "CREATE TABLE \"a b\".\"T\" (id int)",
                "CREATE VIEW \"a b\".v AS SELECT 1 AS one",
                "CREATE FUNCTION \"a b\".\"f(\"(int, \"a b\".mood) RETURNS int LANGUAGE sql AS 'SELECT 1'",
                "CREATE PROCEDURE \"a b\".p() LANGUAGE sql AS 'SELECT 1'",
                "CREATE AGGREGATE \"a b\".total(int) (SFUNC = int4pl, STYPE = int)",
                "CREATE SEQUENCE \"a b\".s",
                "CREATE COLLATION \"a b\".c FROM \"C\"",
                "CREATE OPERATOR \"a b\".=== (LEFTARG = int, RIGHTARG = int, FUNCTION = pg_catalog.int4eq)",
                "CREATE OPERATOR FAMILY \"a b\".family USING btree",
                "CREATE OPERATOR CLASS \"a b\".class FOR TYPE int USING hash AS OPERATOR 1 =, FUNCTION 1 hashint4(int)",
                "CREATE OR REPLACE FUNCTION public.side_effect() RETURNS text LANGUAGE sql AS "
                        + "$$ INSERT INTO public.ran VALUES ('side effect') RETURNING what $$");
    }

    private boolean exists(PrerequisiteKind kind, String identity) throws Exception {
        try (Connection connection = database.connect();
                RecoveryTransaction transaction = RecoveryTransaction.begin(connection)) {
            return transaction.has(new Prerequisite(kind, identity, List.of()));
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '\0',
            value = {
                "SCHEMA|a b",
                "EXTENSION|plpgsql",
                "FOREIGN_DATA_WRAPPER|wrapper",
                "SERVER|there",
                "SHELL_OF_TYPE|\"a b\".shell",
                "TYPE|\"a b\".mood",
                "DOMAIN|\"a b\".\"Do.Main\"",
                "ROW_TYPE_OF_TABLE|\"a b\".\"T\"",
                "ROW_TYPE_OF_VIEW|\"a b\".v",
                "FUNCTION|\"a b\".\"f(\"(integer,\"a b\".mood)",
                "PROCEDURE|\"a b\".p()",
                "AGGREGATE|\"a b\".total(integer)",
                "SEQUENCE|\"a b\".s",
                "COLLATION|\"a b\".c",
                "OPERATOR|\"a b\".===(integer,integer)",
                "OPERATOR_FAMILY|\"a b\".family USING btree",
                "OPERATOR_CLASS|\"a b\".class USING hash"
            })
    void what_is_there_is_found_by_its_name(PrerequisiteKind kind, String identity) throws Exception {
        assertThat(exists(kind, identity)).isTrue();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '\0',
            value = {
                "SCHEMA|a",
                "EXTENSION|plnothing",
                "FOREIGN_DATA_WRAPPER|there",
                "SERVER|wrapper",
                "SHELL_OF_TYPE|\"a b\".nothing",
                "TYPE|\"a b\".shell",
                "DOMAIN|\"a b\".do",
                "ROW_TYPE_OF_TABLE|\"a b\".t",
                "ROW_TYPE_OF_VIEW|\"a b\".w",
                "FUNCTION|\"a b\".\"f(\"(integer)",
                "PROCEDURE|\"a b\".p(integer)",
                "AGGREGATE|\"a b\".total(bigint)",
                "SEQUENCE|\"a b\".\"T\"",
                "COLLATION|\"a b\".d",
                "OPERATOR|\"a b\".===(bigint,bigint)",
                "OPERATOR_FAMILY|\"a b\".family USING hash",
                "OPERATOR_CLASS|\"a b\".class USING btree"
            })
    void what_is_not_there_is_missed(PrerequisiteKind kind, String identity) throws Exception {
        assertThat(exists(kind, identity)).isFalse();
    }

    @ParameterizedTest
    @EnumSource
    void a_hostile_name_runs_nothing(PrerequisiteKind kind) throws Exception {
        for (String hostile : List.of(
                "public.side_effect()",
                "x'); SELECT public.side_effect(); --",
                "x' || public.side_effect() || '",
                "(SELECT public.side_effect())",
                "public.side_effect() IS NOT NULL",
                "\"a b\".\"",
                "$1",
                "",
                "?")) {
            boolean found;
            try {
                found = exists(kind, hostile);
            } catch (SQLException e) {
                assertThat(e.getSQLState())
                        .as("%s %s: refused as a name, not for what it would run", kind, hostile)
                        .isIn("22023", "42602");
                found = false;
            }
            boolean isItsName = kind == PrerequisiteKind.FUNCTION && hostile.equals("public.side_effect()");
            assertThat(found)
                    .as("%s %s", kind, hostile)
                    .isEqualTo(isItsName
                            || (hostile.equals("public.side_effect()")
                                    && (kind == PrerequisiteKind.PROCEDURE || kind == PrerequisiteKind.AGGREGATE)));
            assertThat(database.value("SELECT count(*) FROM public.ran")).isEqualTo("0");
        }
    }

    @Test
    void every_kind_has_a_query_of_one_parameter() {
        for (PrerequisiteKind kind : PrerequisiteKind.values()) {
            assertThat(kind.existence().chars().filter(c -> c == '?').count())
                    .as(kind.text())
                    .isEqualTo(1);
        }
    }
}
