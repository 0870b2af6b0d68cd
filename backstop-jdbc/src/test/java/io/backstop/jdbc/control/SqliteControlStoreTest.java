package io.backstop.jdbc.control;

import io.backstop.api.error.ControlStoreUnavailableException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class SqliteControlStoreTest extends ControlStoreContract {
    @TempDir
    private Path folder;

    private Path file() {
        return folder.resolve("backstop.db");
    }

    @Override
    SqlControlStore another() throws ControlStoreUnavailableException {
        return SqlControlStore.sqlite(file(), clock);
    }

    @Override
    Connection plain() throws SQLException {
        return DriverManager.getConnection("jdbc:sqlite:" + file());
    }

    @Override
    List<String> takeWriteLock() {
        return List.of("BEGIN IMMEDIATE");
    }

    @Test
    void the_file_is_its_owners_alone() throws Exception {
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file())))
                .isEqualTo("rw-------");
    }

    @Test
    void a_missing_folder_is_named_with_what_to_do() {
        assertThatThrownBy(() -> SqlControlStore.sqlite(folder.resolve("missing/backstop.db"), clock))
                .isInstanceOf(ControlStoreUnavailableException.class)
                .hasMessageStartingWith("backstop.control: the folder of the control store does not exist: "
                        + folder.resolve("missing"))
                .hasMessageContaining("HINT: create the folder");
    }

    @Test
    void a_file_that_is_no_database_is_refused_and_left_alone() throws Exception {
        Path text =
                Files.writeString(folder.resolve("notes.txt"), "this is not a database, it is a text of some length");
        assertThatThrownBy(() -> SqlControlStore.sqlite(text, clock))
                .isInstanceOf(ControlStoreUnavailableException.class)
                .hasMessageContaining(text.toString());
        assertThat(text).hasContent("this is not a database, it is a text of some length");
    }
}
