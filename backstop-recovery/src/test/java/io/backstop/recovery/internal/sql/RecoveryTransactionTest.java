package io.backstop.recovery.internal.sql;

import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;

@ExtendWith(PostgresExtension.class)
class RecoveryTransactionTest {
    private final TestDatabase database;

    RecoveryTransactionTest(TestDatabase database) {
        this.database = database;
    }

    @Test
    void a_lock_timeout_that_the_url_names_is_kept_and_there_is_always_one() throws Exception {
        String url = database.url();
        String options = (url.contains("?") ? "&" : "?") + "options=-c%20lock_timeout=1234ms";
        assertThat(lockTimeout(DriverManager.getConnection(url + options))).containsExactly("1234ms");
        assertThat(lockTimeout(database.connect())).containsExactly("30s");
    }

    @Test
    void a_lock_timeout_that_is_in_force_otherwise_is_kept() throws Exception {
        try {
            database.run("ALTER ROLE CURRENT_USER SET lock_timeout = '45s'");
            assertThat(lockTimeout(database.connect())).containsExactly("45s");
            Connection set = database.connect();
            try (Statement statement = set.createStatement()) {
                statement.execute("SET lock_timeout = '7s'");
            }
            assertThat(lockTimeout(set)).containsExactly("7s");
        } finally {
            database.run("ALTER ROLE CURRENT_USER RESET lock_timeout");
        }
    }

    private static List<String> lockTimeout(Connection opened) throws Exception {
        try (Connection connection = opened;
                RecoveryTransaction transaction = RecoveryTransaction.begin(connection)) {
            return transaction.strings("SELECT pg_catalog.current_setting('lock_timeout')");
        }
    }
}
