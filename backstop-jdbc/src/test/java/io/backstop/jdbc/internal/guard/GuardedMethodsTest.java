package io.backstop.jdbc.internal.guard;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.charset.StandardCharsets;
import java.sql.Array;
import java.sql.Blob;
import java.sql.CallableStatement;
import java.sql.Clob;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.Statement;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Every method of JDBC is either guarded, that is, declared by a Guarded class, or listed in reviewed-jdbc-methods.txt by
 * somebody who made sure that passing it on executes nothing unjudged and hands out nothing unguarded.
 */
class GuardedMethodsTest {
    private static final Map<Class<?>, Class<?>> GUARDED = Map.of(
            Connection.class, GuardedConnection.class,
            Statement.class, GuardedStatement.class,
            PreparedStatement.class, GuardedPreparedStatement.class,
            CallableStatement.class, GuardedCallableStatement.class,
            ResultSet.class, GuardedResultSet.class,
            DatabaseMetaData.class, GuardedDatabaseMetaData.class,
            Array.class, GuardedArray.class,
            Blob.class, GuardedBlob.class,
            Clob.class, GuardedClob.class);

    @Test
    void every_jdbc_method_is_guarded_or_reviewed() throws IOException {
        Set<String> notGuarded = new TreeSet<>();
        for (Map.Entry<Class<?>, Class<?>> pair : GUARDED.entrySet()) {
            for (Method method : pair.getKey().getDeclaredMethods()) {
                if (!Modifier.isStatic(method.getModifiers()) && !isGuarded(pair.getValue(), method)) {
                    notGuarded.add(name(pair.getKey(), method));
                }
            }
        }
        Set<String> unreviewed = new TreeSet<>(notGuarded);
        unreviewed.removeAll(reviewed());
        assertThat(unreviewed).as("neither guarded nor reviewed").isEmpty();
        assertThat(notGuarded).as("still passed on").containsAll(reviewed());
    }

    /** Looks from the guarded class upwards; the bridges that the compiler puts into public classes do not count. */
    private static boolean isGuarded(Class<?> guarded, Method method) {
        for (Class<?> type = guarded; type != Object.class; type = type.getSuperclass()) {
            for (Method declared : type.getDeclaredMethods()) {
                if (!declared.isSynthetic()
                        && declared.getName().equals(method.getName())
                        && Arrays.equals(declared.getParameterTypes(), method.getParameterTypes())) {
                    return type.getSimpleName().startsWith("Guarded");
                }
            }
        }
        return false;
    }

    private static String name(Class<?> type, Method method) {
        return type.getSimpleName() + "." + method.getName() + "("
                + Arrays.stream(method.getParameterTypes())
                        .map(Class::getSimpleName)
                        .collect(Collectors.joining(", "))
                + ")";
    }

    private static Set<String> reviewed() throws IOException {
        try (InputStream list = GuardedMethodsTest.class.getResourceAsStream("reviewed-jdbc-methods.txt")) {
            return new String(list.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> !line.isBlank() && !line.startsWith("#"))
                    .collect(Collectors.toCollection(TreeSet::new));
        }
    }
}
