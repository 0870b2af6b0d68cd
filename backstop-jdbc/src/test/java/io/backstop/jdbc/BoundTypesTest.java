package io.backstop.jdbc;

import io.backstop.api.error.ApprovalRequiredException;
import io.backstop.api.error.BackstopException;
import io.backstop.api.error.StatementBlockedException;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.Sampled;
import io.backstop.testing.TestDatabase;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.core.BaseConnection;
import org.postgresql.core.TypeInfo;
import org.postgresql.jdbc.PgArray;
import org.postgresql.util.PGobject;

import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

/** The type that a bound value brings is in no text, and the server runs what reads it all the same. */
@Sampled
@ExtendWith(PostgresExtension.class)
class BoundTypesTest {
    @TempDir
    private Path folder;

    private TestDatabase database;

    @BeforeEach
    void create(TestDatabase testDatabase) throws SQLException {
        database = testDatabase;
        database.run(
                "DROP SCHEMA public CASCADE",
                "DROP SCHEMA IF EXISTS beside CASCADE",
                "CREATE SCHEMA public",
                "CREATE SCHEMA beside",
                "CREATE TABLE kept (id int)",
                "INSERT INTO kept SELECT generate_series(1, 5000)",
                "CREATE TABLE accounts (id int PRIMARY KEY, name text)",
                "INSERT INTO accounts SELECT n, 'name' FROM generate_series(1, 100) AS n",
                "CREATE SEQUENCE numbers",
                "CREATE FUNCTION wipe() RETURNS int LANGUAGE plpgsql AS 'BEGIN DELETE FROM public.kept; RETURN 1; END'",
                "CREATE DOMAIN wiping AS int CHECK (public.wipe() = 1)",
                "CREATE DOMAIN \"Wi.ping\" AS int CHECK (public.wipe() = 1)",
                "CREATE DOMAIN beside.jsonb AS int CHECK (public.wipe() = 1)",
                "CREATE DOMAIN beside.int4 AS int CHECK (public.wipe() = 1)",
                "CREATE DOMAIN hstore AS text CHECK (public.wipe() = 1)",
                "CREATE TYPE holder AS (h wiping)",
                "CREATE TYPE mood AS ENUM ('glad', 'sad')",
                "CREATE DOMAIN small AS int CHECK (VALUE < 1000)");
    }

    @AfterEach
    void nothing_is_lost() throws SQLException {
        assertThat(database.value("SELECT count(*) FROM kept")).isEqualTo("5000");
    }

    private Backstop guard(String profile) throws SQLException {
        return Backstop.builder()
                .policy(profile)
                .control(folder.resolve(profile + ".db"))
                .build();
    }

    /** How a value gets to a statement. */
    private interface Binding {
        void to(PreparedStatement statement) throws SQLException;
    }

    private static Binding object(String type, String value) {
        return statement -> {
            PGobject object = new PGobject();
            object.setType(type);
            object.setValue(value);
            statement.setObject(1, object);
        };
    }

    private static Binding array(String elementType) {
        return statement ->
                statement.setArray(1, statement.getConnection().createArrayOf(elementType, new Object[] {1}));
    }

    private static Stream<Named<Binding>> wiping() {
        return Stream.of(
                Named.of("a domain", object("wiping", "1")),
                Named.of("in upper case", object("WIPING", "1")),
                Named.of("with its schema", object("public.wiping", "1")),
                Named.of("quoted", object("\"wiping\"", "1")),
                Named.of("quoted with its schema", object("\"public\".\"wiping\"", "1")),
                Named.of("with a dot in its name", object("\"public\".\"Wi.ping\"", "1")),
                Named.of("an array", object("wiping[]", "{1}")),
                Named.of("an array by its own name", object("_wiping", "{1}")),
                Named.of("an array with its schema", object("\"public\".\"_wiping\"", "{1}")),
                Named.of("a composite type", object("holder", "(1)")),
                Named.of("the name of a built-in type", object("\"beside\".\"jsonb\"", "1")),
                Named.of("the name of a core type", object("beside.int4", "1")),
                Named.of("a subclass", statement -> statement.setObject(1, new Wiping())),
                Named.of("with a target type", statement -> statement.setObject(1, new Wiping(), Types.OTHER)),
                Named.of("a null", statement -> statement.setNull(1, Types.OTHER, "wiping")),
                Named.of("a map", statement -> statement.setObject(1, Map.of("a", "b"))),
                Named.of("an array of it", array("wiping")),
                Named.of("an array of it with its schema", array("public.wiping")),
                Named.of("an array as an object", statement -> {
                    Array made = statement.getConnection().createArrayOf("wiping", new Object[] {1});
                    statement.setObject(1, made, Types.ARRAY);
                }),
                Named.of("a null that leaves the type", statement -> {
                    object("wiping", "1").to(statement);
                    statement.setNull(1, Types.NULL);
                }),
                Named.of("a value that failed to replace it", statement -> {
                    object("wiping", "1").to(statement);
                    assertThatThrownBy(() -> object("no_such_type", "1").to(statement))
                            .isInstanceOf(SQLException.class);
                }));
    }

    /** Also with the type of the application's own. */
    public static final class Wiping extends PGobject {
        private static final long serialVersionUID = 1;

        public Wiping() {
            setType("wiping");
        }

        @Override
        public String getValue() {
            return "1";
        }
    }

    /** What answers {@code int4} so often, and then {@code wiping}. */
    private static String later(AtomicInteger asked, int harmless) {
        return asked.getAndIncrement() < harmless ? "int4" : "wiping";
    }

    private static PGobject turning(int harmless) {
        AtomicInteger asked = new AtomicInteger();
        PGobject object = new PGobject() {
            private static final long serialVersionUID = 1;

            @Override
            public String getValue() {
                setType(later(asked, harmless)); // getType is final
                return "1";
            }
        };
        object.setType("int4");
        return object;
    }

    private static Array turningArray(int harmless) {
        AtomicInteger asked = new AtomicInteger();
        return (Array) Proxy.newProxyInstance(
                BoundTypesTest.class.getClassLoader(), new Class<?>[] {Array.class}, (proxy, method, args) -> {
                    return method.getName().equals("getBaseTypeName") ? later(asked, harmless) : "{1}";
                });
    }

    @Test
    void an_object_with_a_text_of_its_own_is_sent_as_without_the_guard() throws SQLException {
        PGobject object = new PGobject() {
            private static final long serialVersionUID = 1;

            @Override
            public String toString() {
                return "text of " + getValue();
            }
        };
        object.setType("text");
        object.setValue("it");
        try (Backstop backstop = guard("strict");
                Connection connection = backstop.guard(database.connect());
                PreparedStatement statement = connection.prepareStatement("SELECT ?::text, ?::text")) {
            statement.setObject(1, object);
            statement.setObject(2, object, Types.VARCHAR);
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                assertThat(row.getString(1)).isEqualTo("it");
                assertThat(row.getString(2)).isEqualTo("text of it");
            }
        }
    }

    /** pgjdbc's own class, over a connection of the caller's. */
    private static Array foreign(int harmless) throws SQLException {
        AtomicInteger asked = new AtomicInteger();
        TypeInfo types = answering(TypeInfo.class, "getPGType", () -> later(asked, harmless));
        return new PgArray(answering(BaseConnection.class, "getTypeInfo", () -> types), 1007, "{1}");
    }

    private static <T> T answering(Class<T> type, String question, Supplier<Object> answer) {
        return type.cast(Proxy.newProxyInstance(
                BoundTypesTest.class.getClassLoader(), new Class<?>[] {type}, (proxy, method, args) -> {
                    if (method.getName().equals(question)
                            && !method.getReturnType().isPrimitive()) {
                        return answer.get();
                    }
                    return method.getReturnType() == int.class
                            ? 0
                            : method.getReturnType() == boolean.class ? false : null;
                }));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 4})
    void a_value_is_sent_as_the_type_that_it_was_judged_by(int harmless) throws SQLException {
        List<Binding> bindings = List.of(
                statement -> statement.setObject(1, turning(harmless)),
                statement -> statement.setObject(1, turning(harmless), Types.OTHER),
                statement -> statement.setArray(1, turningArray(harmless)),
                statement -> statement.setArray(1, foreign(harmless)),
                statement -> statement.setObject(1, turningArray(harmless)),
                statement -> statement.setObject(1, turningArray(harmless), Types.ARRAY));
        for (String profile : new String[] {"strict", "application", "read-only"}) {
            try (Backstop backstop = guard(profile);
                    Connection connection = backstop.guard(database.connect())) {
                for (Binding binding : bindings) {
                    try (PreparedStatement statement = connection.prepareStatement("SELECT ?")) {
                        binding.to(statement);
                        Throwable refusal = catchThrowable(statement::execute);
                        assertThat(refusal == null || refusal instanceof BackstopException)
                                .isTrue();
                    }
                }
            }
        }
    }

    private static Stream<Named<Binding>> old() {
        return Stream.of(
                Named.of("a value", object("old", "1")),
                Named.of("an array", array("old")),
                Named.of("an array as a value", object("old[]", "{1}")),
                Named.of("a null", statement -> statement.setNull(1, Types.OTHER, "old")));
    }

    /** The driver sends the type that had the name when it asked for it first. */
    @ParameterizedTest
    @MethodSource("old")
    void a_type_that_was_renamed_is_judged_under_the_name_that_the_driver_remembers(Binding binding)
            throws SQLException {
        for (String profile : new String[] {"strict", "application", "read-only"}) {
            for (boolean autoCommit : new boolean[] {true, false}) {
                database.run("CREATE DOMAIN old AS int CHECK (public.wipe() = 1)");
                try (Backstop backstop = guard(profile);
                        Connection connection = backstop.guard(database.connect())) {
                    connection.setAutoCommit(autoCommit);
                    try (PreparedStatement statement = connection.prepareStatement("SELECT ?")) {
                        binding.to(statement);
                    }
                    connection.setAutoCommit(true);
                    connection.setAutoCommit(autoCommit);
                    database.run("ALTER DOMAIN old RENAME TO young");
                    for (String sql : new String[] {"SELECT ?", "SELECT id FROM accounts WHERE ? IS NOT NULL"}) {
                        try (PreparedStatement statement = connection.prepareStatement(sql)) {
                            binding.to(statement);
                            assertRefused(profile + ": " + sql, statement::execute);
                        }
                        if (!autoCommit) {
                            connection.rollback();
                        }
                    }
                }
                database.run("DROP DOMAIN young");
            }
        }
    }

    @ParameterizedTest
    @MethodSource("wiping")
    void a_statement_is_judged_by_the_types_of_its_values(Binding binding) throws SQLException {
        for (String profile : new String[] {"strict", "application", "read-only"}) {
            try (Backstop backstop = guard(profile);
                    Connection connection = backstop.guard(database.connect())) {
                for (String sql : new String[] {
                    "SELECT nextval('numbers') WHERE ? IS NOT NULL",
                    "SELECT id FROM accounts WHERE ? IS NOT NULL FOR UPDATE",
                    "INSERT INTO accounts (id) SELECT 200 WHERE ? IS NOT NULL",
                    "UPDATE accounts SET name = 'x' WHERE id = 1 AND ? IS NOT NULL",
                    "DELETE FROM accounts WHERE id = 1 AND ? IS NOT NULL"
                }) {
                    try (PreparedStatement statement = connection.prepareStatement(sql)) {
                        binding.to(statement);
                        assertRefused(profile + ": " + sql, statement::execute);
                        statement.addBatch();
                        assertRefused("a batch, " + profile + ": " + sql, () -> BatchRefusal.execute(statement));
                    }
                }
            }
        }
        assertThat(database.value("SELECT count(*) FROM kept")).isEqualTo("5000");
    }

    private static void assertRefused(String what, ThrowingCallable execution) {
        assertThat(catchThrowable(execution)).as(what).isInstanceOf(BackstopException.class);
    }

    /** What is shown of a value's type, and approved, goes by the name. */
    @Test
    void a_type_that_was_replaced_under_its_name_is_not_approved() throws SQLException {
        database.run(
                "CREATE DOMAIN old AS int CHECK (public.wipe() = 1)",
                "CREATE FUNCTION harmless() RETURNS int LANGUAGE plpgsql VOLATILE AS 'BEGIN RETURN 1; END'");
        String sql = "SELECT harmless(), ?";
        try (Backstop backstop = guard("strict");
                Connection connection = backstop.guard(database.connect());
                PreparedStatement statement = connection.prepareStatement(sql)) {
            object("old", "1").to(statement);
            database.run("ALTER DOMAIN old RENAME TO young", "CREATE DOMAIN old AS int");
            assertThatThrownBy(statement::execute)
                    .isInstanceOf(StatementBlockedException.class)
                    .hasMessageContaining("its type was renamed or replaced");
            try (Connection later = backstop.guard(database.connect());
                    PreparedStatement anew = later.prepareStatement(sql)) {
                object("old", "1").to(anew);
                assertThatThrownBy(anew::execute).isInstanceOf(ApprovalRequiredException.class);
            }
        }
    }

    @Test
    void the_request_names_the_type() throws SQLException {
        try (Backstop backstop = guard("strict");
                Connection connection = backstop.guard(database.connect());
                PreparedStatement statement =
                        connection.prepareStatement("INSERT INTO accounts (id) SELECT 200 WHERE ? IS NOT NULL")) {
            object("wiping", "1").to(statement);
            assertThatThrownBy(statement::execute)
                    .isInstanceOf(ApprovalRequiredException.class)
                    .hasMessageContaining("runs code of the user's that may change anything: wiping");
        }
    }

    @Test
    void a_type_that_was_harmless_when_it_was_bound_first_is_looked_at_again() throws SQLException {
        try (Backstop backstop = guard("strict");
                Connection connection = backstop.guard(database.connect());
                PreparedStatement statement =
                        connection.prepareStatement("INSERT INTO accounts (id) SELECT 200 WHERE ? IS NULL")) {
            object("small", "1").to(statement);
            statement.execute();
            statement.execute();
            database.run("ALTER DOMAIN small ADD CHECK (VALUE <> public.wipe() + 100) NOT VALID");
            assertRefused("the third time", statement::execute);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"strict", "application"})
    void types_that_run_nothing_hold_nothing_up(String profile) throws SQLException {
        database.run("DROP SCHEMA beside CASCADE", "DROP DOMAIN hstore");
        try (Backstop backstop = guard(profile);
                Connection connection = backstop.guard(database.connect())) {
            for (Binding binding : new Binding[] {
                object("mood", "glad"),
                object("public.mood", "glad"),
                object("jsonb", "{}"),
                object("small", "1"),
                array("int4"),
                statement -> statement.setNull(1, Types.OTHER, "mood")
            }) {
                try (PreparedStatement statement = connection.prepareStatement(
                        "UPDATE accounts SET name = 'x' WHERE id = 1 OR ? IS NULL AND id = 1")) {
                    binding.to(statement);
                    assertThat(statement.executeUpdate()).isEqualTo(1);
                }
            }
        }
    }
}
