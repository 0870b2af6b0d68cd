package io.backstop.jdbc;

import io.backstop.api.error.StatementBlockedException;
import io.backstop.api.policy.Policy;
import io.backstop.jdbc.control.SqlControlStore;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.Sampled;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.PGConnection;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Types;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

/** What pgjdbc asks the catalog for the metadata of JDBC, where the search path lets the user's code answer. */
@Sampled
@ExtendWith(PostgresExtension.class)
class MetadataQuestionsTest {
    @TempDir
    private Path folder;

    private TestDatabase database;

    @BeforeEach
    void take(TestDatabase testDatabase) throws SQLException {
        database = testDatabase;
        database.run(
                "DROP SCHEMA public CASCADE",
                "CREATE SCHEMA public",
                "CREATE TABLE users (id int PRIMARY KEY DEFAULT 1, name text)",
                "INSERT INTO users SELECT n, 'user ' || n FROM generate_series(1, 20) AS n");
    }

    private void shadowWhatIsAsked() throws SQLException {
        database.run(
                shadow("current_database()", "name", "current_database()"),
                shadow("current_schema()", "name", "current_schema()"),
                shadow("current_schemas(boolean)", "name[]", "current_schemas($1)"),
                shadow("pg_get_expr(pg_node_tree, oid)", "text", "pg_get_expr($1, $2)"),
                shadow("pg_get_function_result(oid)", "text", "pg_get_function_result($1)"),
                shadow("pg_get_indexdef(oid, integer, boolean)", "text", "pg_get_indexdef($1, $2, $3)"),
                shadow("format_type(oid, integer)", "text", "format_type($1, $2)"),
                shadow("current_setting(text)", "text", "current_setting($1)"),
                shadow("same(name, name)", "boolean", "nameeq($1, $2)"),
                "CREATE OPERATOR public.= (FUNCTION = public.same, LEFTARG = name, RIGHTARG = name)");
    }

    private static String shadow(String signature, String type, String original) {
        return "CREATE FUNCTION public." + signature + " RETURNS " + type + " LANGUAGE plpgsql AS"
                + " $$BEGIN DELETE FROM public.users; RETURN pg_catalog." + original + "; END$$";
    }

    private Backstop backstop(String profile) throws SQLException {
        return Backstop.builder()
                .control(SqlControlStore.sqlite(folder.resolve("backstop.db"), Clock.systemUTC()))
                .snapshots(new FakeSnapshots())
                .policy(profile.equals("strict") ? Policy.strict() : Policy.application())
                .build();
    }

    @ParameterizedTest
    @CsvSource({
        "strict, ''",
        "strict, SHOW work_mem",
        "strict, off",
        "application, ''",
        "application, SHOW work_mem",
        "application, off"
    })
    void a_question_to_the_catalog_deletes_no_rows_where_functions_of_the_users_answer(String profile, String before)
            throws Exception {
        shadowWhatIsAsked();
        List<String> refused = new ArrayList<>();
        List<String> through = new ArrayList<>();
        try (Backstop backstop = backstop(profile);
                Connection connection = backstop.guard(database.connect())) {
            try (Statement statement = connection.createStatement()) {
                statement.execute("SET search_path = public, pg_catalog");
            }
            for (Method question : questions()) {
                connection.setAutoCommit(before.isEmpty());
                try (Statement statement = connection.createStatement()) {
                    if (before.startsWith("SHOW")) {
                        statement.execute(before);
                    }
                    try {
                        ask(connection.getMetaData(), question);
                    } catch (StatementBlockedException e) {
                        refused.add(question.getName());
                    } catch (SQLException e) {
                        // What pgjdbc does not answer, it does not ask.
                    }
                } finally {
                    if (!connection.getAutoCommit()) {
                        commitWhatCanBe(connection);
                    }
                }
                if (!database.value("SELECT count(*) FROM users").equals("20")) {
                    through.add(question.getName());
                    database.run("INSERT INTO users SELECT n, 'again' FROM pg_catalog.generate_series(1, 20) AS n");
                }
            }
        }
        assertThat(through).isEmpty();
        assertThat(refused).contains("getSchemas", "getTypeInfo", "getMaxTableNameLength");
    }

    private interface Use {
        Object of(Connection connection) throws SQLException;
    }

    private static final Map<String, Use> USES_OF_TYPES = uses();

    private static Map<String, Use> uses() {
        Map<String, Use> uses = new LinkedHashMap<>();
        uses.put("createArrayOf", connection -> connection.createArrayOf("mood", new Object[] {"glad"}));
        uses.put("getObject", connection -> read(connection, ResultSet::getObject));
        uses.put("getArray", connection -> read(connection, ResultSet::getArray));
        uses.put(
                "array's values",
                connection ->
                        read(connection, (row, column) -> row.getArray(column).getArray()));
        uses.put(
                "array's base type",
                connection ->
                        read(connection, (row, column) -> row.getArray(column).getBaseTypeName()));
        uses.put(
                "array's rows",
                connection -> read(
                        connection,
                        (row, column) -> row.getArray(column).getResultSet().next()));
        uses.put(
                "type's name",
                connection ->
                        read(connection, (row, column) -> row.getMetaData().getColumnTypeName(column)));
        uses.put(
                "class's name",
                connection ->
                        read(connection, (row, column) -> row.getMetaData().getColumnClassName(column)));
        uses.put("bound array", connection -> {
            try (PreparedStatement query = connection.prepareStatement("SELECT $$1$$ WHERE NULL = ?")) {
                query.setObject(1, new String[] {"glad"}, Types.ARRAY);
                return query.getParameterMetaData().getParameterTypeName(1);
            }
        });
        return uses;
    }

    private interface Read {
        Object from(ResultSet row, int column) throws SQLException;
    }

    /** The columns that are of a type of the user's. */
    private static Object read(Connection connection, Read read) throws SQLException {
        List<String> answers = new ArrayList<>();
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("TABLE people")) {
            row.next();
            for (int column = 1; column <= 4; column++) {
                try {
                    answers.add(String.valueOf(read.from(row, column)));
                } catch (SQLException e) {
                    answers.add(String.valueOf(e.getSQLState()));
                }
            }
        }
        return answers;
    }

    static Stream<Arguments> usesOfTypes() {
        return USES_OF_TYPES.keySet().stream()
                .flatMap(use -> Stream.of("strict", "application")
                        .flatMap(profile ->
                                Stream.of(true, false).map(autoCommit -> Arguments.of(use, profile, autoCommit))));
    }

    @ParameterizedTest
    @MethodSource("usesOfTypes")
    void a_question_about_a_type_deletes_no_rows_either(String use, String profile, boolean autoCommit)
            throws Exception {
        database.run(
                "CREATE TYPE mood AS ENUM ('glad', 'sad')",
                "CREATE TYPE pair AS (a int, b text)",
                "CREATE DOMAIN size AS int",
                "CREATE TABLE people (a mood, b mood[], c pair, d size[])",
                "INSERT INTO people VALUES ('glad', '{glad,sad}', '(1,b)', '{1,2}')");
        shadowWhatIsAsked();
        try (Backstop backstop = backstop(profile);
                Connection connection = backstop.guard(database.connect())) {
            connection.setAutoCommit(autoCommit);
            try (Statement statement = connection.createStatement()) {
                statement.execute("SET search_path = public, pg_catalog");
            }
            try {
                requireNonNull(USES_OF_TYPES.get(use)).of(connection);
            } catch (SQLException e) {
                // Refused is as good.
            }
            if (!autoCommit) {
                commitWhatCanBe(connection);
            }
        }
        assertThat(database.value("SELECT count(*) FROM users")).isEqualTo("20");
    }

    private static void commitWhatCanBe(Connection connection) throws SQLException {
        try {
            connection.commit();
        } catch (SQLException e) {
            connection.rollback(); // it had failed
        }
    }

    private static List<Method> questions() {
        return Arrays.stream(DatabaseMetaData.class.getMethods())
                .filter(method -> !method.getName().startsWith("supports")
                        && method.getDeclaringClass() == DatabaseMetaData.class)
                .toList();
    }

    private static Object ask(DatabaseMetaData data, Method question) throws Exception {
        Class<?>[] types = question.getParameterTypes();
        Object[] values = new Object[types.length]; // catalog first: all of them
        for (int i = 1; i < types.length; i++) {
            if (types[i] == String.class) {
                values[i] = "%";
            }
        }
        for (int i = 0; i < types.length; i++) {
            if (types[i] == int.class) {
                values[i] = 1;
            } else if (types[i] == boolean.class) {
                values[i] = true;
            }
        }
        try {
            Object answer = question.invoke(data, values);
            if (answer instanceof ResultSet rows) {
                int count = 0;
                while (rows.next()) {
                    count++;
                }
                return count;
            }
            return answer;
        } catch (InvocationTargetException e) {
            if (e.getCause() instanceof SQLException cause) {
                throw cause;
            }
            throw e;
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"strict", "application"})
    void they_answer_and_begin_transactions_as_without_backstop(String profile) throws Exception {
        for (boolean autoCommit : new boolean[] {true, false}) {
            try (Backstop backstop = backstop(profile);
                    Connection bare = fetchingInParts();
                    Connection connection = backstop.guard(fetchingInParts())) {
                bare.setAutoCommit(autoCommit);
                connection.setAutoCommit(autoCommit);
                for (Method question : questions()) {
                    if (question.getName().equals("getConnection")) {
                        continue;
                    }
                    assertThat(answer(connection, question))
                            .as(question.getName())
                            .isEqualTo(answer(bare, question));
                    assertThat(inTransaction(connection))
                            .as("%s, auto-commit %s", question, autoCommit)
                            .isEqualTo(inTransaction(bare));
                }
                assertThat(connection.getAutoCommit()).isEqualTo(autoCommit);
            }
        }
    }

    private Connection fetchingInParts() throws SQLException {
        Connection connection = database.connect();
        connection.unwrap(PGConnection.class).setDefaultFetchSize(2);
        return connection;
    }

    private static String answer(Connection connection, Method question) throws Exception {
        try {
            return String.valueOf(ask(connection.getMetaData(), question));
        } catch (SQLException e) {

            return String.valueOf(e.getSQLState());
        }
    }

    /** pgjdbc lets nobody set it within one. */
    private static boolean inTransaction(Connection connection) throws SQLException {
        try {
            connection.setReadOnly(!connection.isReadOnly());
            connection.setReadOnly(!connection.isReadOnly());
            return false;
        } catch (SQLException e) {

            connection.rollback();
            return true;
        }
    }
}
