package io.backstop.jdbc;

import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Driver;
import java.sql.DriverManager;
import java.sql.DriverPropertyInfo;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Arrays;
import java.util.List;
import java.util.Properties;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

@ExtendWith(PostgresExtension.class)
class BackstopDriverTest {
    @TempDir
    private static Path folder;

    private final Driver driver = new BackstopDriver();

    private static String control() {
        return "backstop.control=" + folder.resolve("backstop.db");
    }

    @Test
    void the_driver_manager_finds_it_by_its_url(TestDatabase database) throws SQLException {
        try (Connection connection = DriverManager.getConnection(database.backstopUrl(control()))) {
            assertThat(connection.getClass().getSimpleName()).isEqualTo("GuardedConnection");
            assertThat(connection.getCatalog()).isEqualTo(database.value("SELECT current_database()"));
        }
    }

    @Test
    void foreign_urls_are_left_to_other_drivers() throws SQLException {
        assertThat(driver.connect("jdbc:postgresql://localhost/db", new Properties()))
                .isNull();
        assertThat(driver.connect("jdbc:backstop:mysql://localhost/db", new Properties()))
                .isNull();
        assertThat(driver.acceptsURL("jdbc:sqlite:x")).isFalse();
    }

    @Test
    void every_other_property_goes_to_pgjdbc(TestDatabase database) throws SQLException {
        Properties properties = new Properties();
        properties.setProperty("ApplicationName", "from a property");
        properties.setProperty("backstop.control", folder.resolve("backstop.db").toString());
        try (Connection connection = driver.connect(
                        database.backstopUrl("backstop.agentId=a%20b&currentSchema=from_url"), properties);
                var statement = connection.createStatement();
                var row = statement.executeQuery(
                        "SELECT current_setting('application_name'), current_setting('search_path')")) {
            row.next();
            assertThat(row.getString(1)).isEqualTo("from a property");
            assertThat(row.getString(2)).isEqualTo("from_url");
        }
    }

    @Test
    void passwords_leave_the_url_and_reach_pgjdbc_as_properties() throws SQLException {
        BackstopUrl parsed = BackstopUrl.parse(
                "jdbc:backstop:postgresql://h/d?user=u&password=open%26sesame+1&sslpassword=key&ssl=true",
                new Properties());
        assertThat(parsed.postgresUrl()).isEqualTo("jdbc:postgresql://h/d?user=u&ssl=true");
        assertThat(parsed.postgresProperties())
                .containsEntry("password", "open&sesame 1")
                .containsEntry("sslpassword", "key")
                .hasSize(2);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "localhost:99999/db?password=open-sesame",
                "u:open-sesame@localhost/db",
                "localhost/db?password=%zzopen-sesame",
                "localhost/db?ApplicationName=%zz&password=open-sesame"
            })
    void a_url_that_cannot_be_used_is_not_repeated(String rest) {
        assertThatThrownBy(() -> driver.connect(
                        "jdbc:backstop:postgresql://" + rest + (rest.contains("?") ? "&" : "?") + control(),
                        new Properties()))
                .isInstanceOf(SQLException.class)
                .satisfies(e -> {
                    for (Throwable each = e; each != null; each = each.getCause()) {
                        assertThat(String.valueOf(each)).doesNotContain("open-sesame");
                    }
                });
    }

    @Test
    void an_unknown_key_is_named_whether_in_the_url_or_in_a_property(TestDatabase database) {
        Properties properties = new Properties();
        properties.setProperty("backstop.stroage", "file:///tmp");
        assertThatThrownBy(() -> driver.connect(database.backstopUrl(control()), properties))
                .isInstanceOf(InvalidSettingException.class)
                .hasMessageStartingWith("unknown setting backstop.stroage\nHINT: the settings are backstop.policy, ");
        assertThatThrownBy(() -> driver.connect(database.backstopUrl("backstop.Policy=strict"), new Properties()))
                .isInstanceOf(InvalidSettingException.class)
                .hasMessageStartingWith("unknown setting backstop.Policy");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "backstop%2Epolicy=read-only",
                "%62ackstop.policy=read-only",
            })
    void a_setting_counts_however_its_name_is_encoded(String parameter) throws SQLException {
        assertThat(BackstopUrl.parse("jdbc:backstop:postgresql://h/d?" + parameter, new Properties())
                        .settings())
                .containsEntry(Setting.POLICY, "read-only");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Backstop.policy=read-only",
                "BACKSTOP.POLICY=read-only",
                "backstop%2EPolicy=read-only",
                "backstop.policy=read-only&backstop.policy=application",
                "allowEncodingChanges=true",
                "backstop.agentId=a%0Ab",
            })
    void what_cannot_be_meant_so_is_refused(String parameters, TestDatabase database) {
        assertThatThrownBy(() -> driver.connect(database.backstopUrl(parameters), new Properties()))
                .isInstanceOf(InvalidSettingException.class);
    }

    @Test
    void a_property_of_backstops_that_is_no_text_is_refused(TestDatabase database) {
        Properties properties = new Properties();
        properties.put("backstop.policy", new char[] {'r'});
        assertThatThrownBy(() -> driver.connect(database.backstopUrl(control()), properties))
                .isInstanceOf(InvalidSettingException.class)
                .hasMessageStartingWith("the property backstop.policy is not a text");
    }

    @Test
    void properties_may_be_missing(TestDatabase database) throws SQLException {
        try (Connection connection = driver.connect(database.backstopUrl(control()), null)) {
            assertThat(connection.isValid(5)).isTrue();
        }
        assertThat(driver.getPropertyInfo(database.backstopUrl(control()), null))
                .anyMatch(property -> property.name.equals("backstop.policy"));
    }

    @Test
    void an_agents_id_is_short_and_printable() {
        for (String id : List.of(" ", "a\nb", "a".repeat(201))) {
            assertThatThrownBy(() -> Backstop.asAgent(id, () -> null)).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void a_value_that_a_key_does_not_take_is_named_with_what_it_takes(TestDatabase database) {
        assertRefused(database, "backstop.mode=off", "backstop.mode cannot be \"off\"");
        assertRefused(database, "backstop.approval=never", "backstop.approval cannot be \"never\"");
        assertRefused(database, "backstop.approvalTimeout=0", "backstop.approvalTimeout cannot be \"0\"");
        assertRefused(database, "backstop.approvalTimeout=5m", "backstop.approvalTimeout cannot be \"5m\"");
        assertRefused(database, "backstop.verification=none", "backstop.verification cannot be \"none\"");
        assertRefused(database, "backstop.agentId=", "backstop.agentId is empty");
        assertRefused(database, "backstop.policy=%zz", "setting backstop.policy is not URL-encoded");
        assertRefused(database, "backstop.control=jdbc:mysql://h/d", "backstop.control names a database in a form");
    }

    @Test
    void an_unreadable_policy_is_named_with_key_and_line(TestDatabase database) throws Exception {
        assertRefused(
                database,
                "backstop.policy=/nowhere/policy.json",
                "backstop.policy cannot be used: policy /nowhere/policy.json is neither a file nor one of the profiles");
        Path broken = Files.writeString(folder.resolve("broken.json"), "{\n  \"snapshot_mod\": 1\n}");
        assertRefused(
                database,
                "backstop.policy=" + broken,
                "backstop.policy cannot be used: policy " + broken + ", line 2: unknown key \"snapshot_mod\"");
    }

    @Test
    void a_control_store_in_a_missing_folder_is_named_by_the_first_write_and_used_once_it_is_there(
            TestDatabase database) throws Exception {
        database.run("DROP TABLE IF EXISTS notes", "CREATE TABLE notes (id int PRIMARY KEY)");
        Path missing = folder.resolve("missing");
        try (Connection connection = driver.connect(
                        database.backstopUrl("backstop.control=" + missing.resolve("b.db")), new Properties());
                Statement statement = connection.createStatement()) {
            statement.execute("SELECT * FROM notes");
            assertThatThrownBy(() -> statement.execute("INSERT INTO notes VALUES (1)"))
                    .isInstanceOf(ControlStoreUnavailableException.class)
                    .hasMessageStartingWith("backstop.control: the folder of the control store does not exist: ")
                    .hasMessageContaining("HINT: create the folder, or set backstop.control");
            Files.createDirectory(missing);
            statement.execute("INSERT INTO notes VALUES (1)");
        }
        assertThat(database.value("SELECT count(*) FROM notes")).isEqualTo("1");
    }

    @Test
    void a_storage_without_the_snapshot_module_is_refused(TestDatabase database) {
        assertRefused(
                database,
                control() + "&backstop.storage=file:///tmp/x",
                "backstop.storage is set, and nothing on the class path takes snapshots");
    }

    private void assertRefused(TestDatabase database, String parameters, String message) {
        assertThatThrownBy(() -> driver.connect(database.backstopUrl(parameters), new Properties()))
                .isInstanceOf(InvalidSettingException.class)
                .hasMessageStartingWith(message)
                .hasMessageContaining("\nHINT: ");
    }

    @Test
    void its_settings_are_listed_with_pgjdbcs(TestDatabase database) throws SQLException {
        DriverPropertyInfo[] properties =
                driver.getPropertyInfo(database.backstopUrl("backstop.agentId=me"), new Properties());
        assertThat(Arrays.stream(properties).filter(p -> p.name.equals("backstop.agentId")))
                .singleElement()
                .satisfies(p -> assertThat(p.value).isEqualTo("me"));
        assertThat(Arrays.stream(properties).map(p -> p.name)).contains("ssl", "backstop.storage");
    }

    @Test
    void a_data_source_opens_guarded_connections_and_gives_away_nothing_else(TestDatabase database)
            throws SQLException {
        try (BackstopDataSource dataSource = new BackstopDataSource(database.backstopUrl(control()))) {
            try (Connection connection = dataSource.getConnection()) {
                assertThat(connection.getClass().getSimpleName()).isEqualTo("GuardedConnection");
            }
            assertThat(dataSource.isWrapperFor(org.postgresql.ds.PGSimpleDataSource.class))
                    .isFalse();
        }
        assertThatThrownBy(() -> new BackstopDataSource("jdbc:postgresql://localhost/db"))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
