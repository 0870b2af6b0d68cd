package io.backstop.jdbc.analysis;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;

class SecretMaskTest {
    private static final String SECRET = "hunter2";

    @ParameterizedTest
    @ValueSource(
            strings = {
                "ALTER ROLE app PASSWORD 'hunter2'",
                "CREATE USER app WITH ENCRYPTED PASSWORD E'hunter2' LOGIN",
                "ALTER ROLE app PASSWORD $$hunter2$$",
                "ALTER ROLE app PASSWORD U&'hunter2'",
                "ALTER USER app PASSWORD /* 'x' */ 'hunter2'",
                "CREATE USER MAPPING FOR app SERVER s OPTIONS (user 'app', password 'hunter2')",
                "ALTER SERVER s OPTIONS (SET \"sslpassword\" 'hunter2')",
                "CREATE SUBSCRIPTION s CONNECTION 'host=h password=hunter2' PUBLICATION p",
                "SELECT * FROM dblink('host=h password = hunter2', 'SELECT 1') AS t(x int)",
                "SELECT dblink_connect('postgresql://app:hunter2@h/db')",
                "SET my.password = 'hunter2'",
                "SET my.password TO 'hunter2'",
                "SELECT set_config('my.password', 'hunter2', false)",
                "UPDATE users SET password = 'hunter2' WHERE id = 1",
                "DO $$ BEGIN EXECUTE 'ALTER ROLE app PASSWORD ''hunter2'''; END $$",
                "DO $a$ BEGIN ALTER ROLE app PASSWORD 'hunter2'; END $a$",
                "ALTER ROLE app PASSWORD 'hunter2",
            })
    void hides(String sql) {
        assertThat(SecretMask.mask(sql, true)).doesNotContain(SECRET).contains("***");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "SELECT 'hunter2'",
                "UPDATE users SET name = 'hunter2' WHERE id = 1",
                "COMMENT ON COLUMN users.password IS 'hunter2'",
                "SELECT password FROM users WHERE name = 'hunter2'",
                "SELECT set_config('search_path', 'hunter2', false)",
                "SELECT 'https://example.org/@hunter2'",
            })
    void leaves_the_rest_alone(String sql) {
        assertThat(SecretMask.mask(sql, true)).isEqualTo(sql);
    }

    @Test
    void keeps_everything_around_the_secret() {
        assertThat(SecretMask.mask("ALTER ROLE app PASSWORD 'hunter2' VALID UNTIL '2030-01-01'", true))
                .isEqualTo("ALTER ROLE app PASSWORD '***' VALID UNTIL '2030-01-01'");
    }

    @Test
    void knows_where_a_string_ends_without_standard_conforming_strings() {
        assertThat(SecretMask.mask("ALTER ROLE app PASSWORD 'hun\\'ter2' LOGIN", false))
                .isEqualTo("ALTER ROLE app PASSWORD '***' LOGIN");
    }
}
