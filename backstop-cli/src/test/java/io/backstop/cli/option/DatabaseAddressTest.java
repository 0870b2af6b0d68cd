package io.backstop.cli.option;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine.TypeConversionException;

import java.util.Map;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class DatabaseAddressTest {
    private static final Map<String, String> NOTHING = Map.of();

    @ParameterizedTest
    @CsvSource({
        "postgresql://anna@db.example:5433/shop, jdbc:postgresql://db.example:5433/shop, anna",
        "postgres://anna@db.example/shop, jdbc:postgresql://db.example:5432/shop, anna",
        "postgresql://anna@[::1]:5433/shop, jdbc:postgresql://[::1]:5433/shop, anna",
        "postgresql://anna@/shop, jdbc:postgresql://localhost:5432/shop, anna",
        "postgresql://anna@db, jdbc:postgresql://db:5432/anna, anna",
        "postgresql://an%40na@db/s?sslmode=require, jdbc:postgresql://db:5432/s?sslmode=require, an@na",
        "'postgresql://anna@a:1,b:2/shop', 'jdbc:postgresql://a:1,b:2/shop', anna",
    })
    void what_psql_takes_is_taken(String address, String url, String user) {
        DatabaseAddress parsed = DatabaseAddress.parse(address, NOTHING);
        assertThat(parsed.url()).isEqualTo(url);
        assertThat(parsed.properties().getProperty("user")).isEqualTo(user);
    }

    @Test
    void the_environment_says_what_the_address_leaves_out() {
        DatabaseAddress parsed = DatabaseAddress.parse(
                "postgresql://",
                Map.of(
                        "PGHOST",
                        "db",
                        "PGPORT",
                        "5433",
                        "PGUSER",
                        "anna",
                        "PGDATABASE",
                        "shop",
                        "PGPASSWORD",
                        "secret"));
        assertThat(parsed.url()).isEqualTo("jdbc:postgresql://db:5433/shop");
        assertThat(parsed.properties()).containsEntry("user", "anna").containsEntry("password", "secret");
    }

    @Test
    void a_password_in_the_address_is_used_and_never_printed() {
        DatabaseAddress parsed = DatabaseAddress.parse("postgresql://anna:p%3Aw@db/shop", NOTHING);
        assertThat(parsed.properties()).containsEntry("password", "p:w");
        assertThat(parsed.toString()).isEqualTo("jdbc:postgresql://db:5432/shop");
    }

    @Test
    void credentials_among_the_parameters_are_used_and_never_printed() {
        for (String address : new String[] {
            "postgresql://db/shop?user=anna&password=p%3Aw&sslpassword=key&sslmode=require",
            "jdbc:postgresql://db:5432/shop?user=anna&password=p%3Aw&sslpassword=key&sslmode=require"
        }) {
            DatabaseAddress parsed = DatabaseAddress.parse(address, NOTHING);
            assertThat(parsed.properties())
                    .containsEntry("user", "anna")
                    .containsEntry("password", "p:w")
                    .containsEntry("sslpassword", "key");
            assertThat(parsed.url()).isEqualTo("jdbc:postgresql://db:5432/shop?sslmode=require");
        }
        assertThatThrownBy(() -> DatabaseAddress.parse("jdbc:postgresql://db/shop?password=s%zzcret", NOTHING))
                .isInstanceOf(TypeConversionException.class)
                .hasMessage("a user or password in it is not well encoded");
    }

    @Test
    void a_server_is_named_as_the_driver_names_it() {
        assertThat(DatabaseAddress.parse("postgresql://anna@db/shop", NOTHING).hostAndPort())
                .isEqualTo("db:5432");
        assertThat(DatabaseAddress.parse("jdbc:postgresql:shop", NOTHING).hostAndPort())
                .isEqualTo("localhost:5432");
    }

    @Test
    void anything_else_is_a_usage_error() {
        assertThatThrownBy(() -> DatabaseAddress.parse("mysql://db/shop", NOTHING))
                .isInstanceOf(TypeConversionException.class)
                .hasMessage("it has to begin with postgresql://");
    }
}
