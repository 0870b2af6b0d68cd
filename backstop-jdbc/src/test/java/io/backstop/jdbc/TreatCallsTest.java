package io.backstop.jdbc;

import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

/** {@code TREAT(value AS name)} calls the function of that name, as if it were written before a parenthesis. */
@ExtendWith(PostgresExtension.class)
class TreatCallsTest {
    @TempDir
    private Path folder;

    private TestDatabase database;

    @BeforeEach
    void create(TestDatabase testDatabase) throws SQLException {
        database = testDatabase;
        database.run(
                "DROP SCHEMA public CASCADE",
                "CREATE SCHEMA public",
                "SELECT lo_unlink(oid) FROM pg_largeobject_metadata",
                "SELECT lo_create(777)",
                "CREATE TABLE users AS SELECT generate_series(1, 5000) AS id",
                "CREATE TABLE log (a int)",
                "CREATE SEQUENCE s",
                "CREATE FUNCTION wipe() RETURNS int LANGUAGE plpgsql AS 'BEGIN DELETE FROM public.users; RETURN 1; END'",
                "CREATE FUNCTION hides() RETURNS int STABLE LANGUAGE sql AS 'SELECT TREAT(777::oid AS lo_unlink)'");
    }

    private void guarded(String policy, String sql) throws SQLException {
        try (Backstop backstop = Backstop.builder()
                        .policy(policy)
                        .snapshots(new FakeSnapshots())
                        .control(folder.resolve(policy + ".db"))
                        .build();
                Connection connection = backstop.guard(database.connect());
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "SELECT TREAT(777::oid AS lo_unlink)",
                "SELECT nextval('s'), TREAT(777::oid AS lo_unlink)",
                "SELECT nextval('s'), treat ( 777::oid as /* a comment */ \"lo_unlink\" )",
                "SELECT nextval('s'), TREAT(777::oid AS U&\"lo\\005funlink\")",
                "SELECT nextval('s'), TREAT(777::oid AS U&\"lo!005funlink\" UESCAPE '!')",
                "SELECT nextval('s'), TREAT(777::oid AS SETOF lo_unlink[])",
                "SELECT nextval('s'), TREAT(777::oid AS lo_unlink(1))",
                "SELECT nextval('s'), TREAT(777::oid AS lo_unlink ARRAY[3])",
                "SELECT nextval('s'), TREAT(777::oid AS pg_catalog.lo_unlink)",
                "INSERT INTO log SELECT TREAT(777::oid AS lo_unlink)",
                "INSERT INTO log SELECT hides()",
                "BEGIN READ WRITE; INSERT INTO log SELECT TREAT(777::oid AS lo_unlink); COMMIT",
                "CREATE TEMP TABLE tp (a int DEFAULT TREAT(777::oid AS lo_unlink), b int); INSERT INTO tp (b) VALUES (1)",
                "SELECT TREAT('SELECT to_tsvector(public.wipe()::text)' AS ts_stat)",
                "SELECT nextval('s'), TREAT('SELECT to_tsvector(public.wipe()::text)' AS ts_stat)"
            })
    void the_function_is_judged_as_called(String sql) throws SQLException {
        for (String policy : new String[] {"strict", "read-only"}) {
            assertThat(catchThrowable(() -> guarded(policy, sql))).as(policy).isNotNull();
            assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("5000");
            assertThat(database.value("SELECT count(*) FROM pg_largeobject_metadata"))
                    .isEqualTo("1");
        }
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("5000");
    }

    @Test
    void a_cast_to_a_type_goes_on() throws SQLException {
        guarded(
                "strict",
                "SELECT TREAT(1 AS bigint), TREAT('1'::text AS pg_catalog.\"varchar\"), id AS lo_unlink FROM users");
    }
}
