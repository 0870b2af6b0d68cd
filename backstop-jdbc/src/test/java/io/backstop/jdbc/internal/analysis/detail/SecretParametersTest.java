package io.backstop.jdbc.internal.analysis.detail;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

import static org.assertj.core.api.Assertions.assertThat;

/** Which values of a prepared text are written down. */
class SecretParametersTest {
    private static final SecretParameters.Names NAMES = SecretParameters.Names.with(List.of(Set.of("Email")));

    @ParameterizedTest
    @CsvSource(
            delimiter = '~',
            value = {
                "UPDATE users SET name = ? WHERE id = ? ~ v1 v2",
                "UPDATE users SET name = ?, password = ? WHERE id = ? ~ v1 *** v3",
                "UPDATE users SET \"PassWord\" = ? WHERE id = ? ~ *** v2",
                "UPDATE users SET U&\"passw\\006Frd\" = ? WHERE id = ? ~ *** v2",
                "UPDATE users SET email = ? WHERE id = ? ~ *** v2",
                "UPDATE users SET hash = crypt(?, gen_salt('bf')) WHERE id = ? ~ *** v2",
                "UPDATE users SET hash = crypt((lower(?) || (id = ?)), ?) WHERE id = ? ~ *** *** *** v4",
                "SELECT set_password(?) WHERE id = ? ~ *** v2",
                "SELECT * FROM users WHERE ? = password AND id > ? ~ *** v2",
                "INSERT INTO users (id, name) VALUES (?, ?) ~ v1 v2",
                "INSERT INTO users (id, password) VALUES (?, ?) ~ *** ***",
                "INSERT INTO users VALUES (?, ?) ~ *** ***",
                "INSERT INTO users SELECT ?, ? ~ *** ***",
                "INSERT INTO users (SELECT ?, ?) ~ *** ***",
                "INSERT INTO users DEFAULT VALUES ~ ''",
                "WITH a AS (INSERT INTO users VALUES (?)) UPDATE b SET c = ? ~ *** ***",
                "MERGE INTO users USING b ON a = ? WHEN NOT MATCHED THEN INSERT VALUES (?) ~ *** ***",
                "SELECT a ?? b, password FROM users WHERE id = ? ~ v1",
                "UPDATE users SET token = ? || ? WHERE id = ? ~ *** *** v3",
                "CALL work(?, ?) ~ v1 v2"
            })
    void a_value_that_may_be_a_secret_is_masked(String sql, String expected) {
        int parameters = expected.isEmpty() ? 0 : expected.split(" ").length;
        List<String> values =
                IntStream.rangeClosed(1, parameters).mapToObj(i -> "v" + i).toList();
        assertThat(String.join(" ", SecretParameters.in(sql, true, NAMES).masked(values)))
                .isEqualTo(expected);
    }

    @Test
    void a_value_that_says_so_itself_is_masked() {
        assertThat(SecretParameters.in("UPDATE t SET a = ?, b = ?", true, NAMES)
                        .masked(List.of("postgres://app:hidden@db/shop", "password=hidden")))
                .containsExactly("***", "***");
    }
}
