package io.backstop.jdbc.internal.control;

import io.backstop.api.error.ControlStoreUnavailableException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.sql.SQLException;
import java.sql.Statement;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class SqliteDatabaseTest {
    @TempDir
    private Path folder;

    private Path file;
    private SqliteDatabase database;

    @BeforeEach
    void open() throws ControlStoreUnavailableException {
        file = folder.resolve("backstop.db");
        database = SqliteDatabase.open(file);
    }

    @AfterEach
    void close() {
        database.close();
    }

    @Test
    void a_class_that_cannot_be_loaded_is_not_blamed_on_the_disk() {
        assertThatThrownBy(() -> database.perform(connection -> {
                    throw new NoClassDefFoundError("a/Missing");
                }))
                .isInstanceOf(ControlStoreUnavailableException.class)
                .hasMessage("the control store cannot be used: " + file + ": code that it needs cannot be loaded: "
                        + "java.lang.NoClassDefFoundError: a/Missing\nHINT: check the versions of Backstop's modules and of "
                        + "sqlite-jdbc on the class path, and that native libraries may be loaded from the folder of "
                        + "java.io.tmpdir")
                .hasRootCauseInstanceOf(NoClassDefFoundError.class);
    }

    @Test
    void a_failure_of_the_store_itself_names_file_and_disk() {
        assertThatThrownBy(() -> database.perform(connection -> {
                    throw new SQLException("disk I/O error");
                }))
                .isInstanceOf(ControlStoreUnavailableException.class)
                .hasMessageContaining("the control store cannot be used: " + file)
                .hasMessageContaining("the disk has room");
    }

    @Test
    void a_unit_that_ends_with_an_error_is_rolled_back_and_the_next_one_runs() throws Exception {
        assertThatThrownBy(() -> database.perform(connection -> {
                    try (Statement statement = connection.createStatement()) {
                        statement.execute("INSERT INTO heartbeats VALUES ('half', 1)");
                    }
                    throw new StackOverflowError("deep");
                }))
                .isInstanceOf(StackOverflowError.class);
        assertThat(database.<Integer>run(connection -> {
                    try (Statement statement = connection.createStatement();
                            var rows = statement.executeQuery("SELECT count(*) FROM heartbeats")) {
                        rows.next();
                        return rows.getInt(1);
                    }
                }))
                .isZero();
    }
}
