package io.backstop.snapshot.archive;

import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import java.io.IOException;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** A COPY whose reader fails is not waited for. */
@ExtendWith(PostgresExtension.class)
class CopyMessagesTest {
    /** More than the sockets of both sides hold, so that a rollback would wait for the server, and that for its reader. */
    private static final String LONG_COPY = "COPY (SELECT repeat('x', 1000) FROM generate_series(1, 200000)) TO STDOUT";

    private final TestDatabase database;

    CopyMessagesTest(TestDatabase database) {
        this.database = database;
    }

    @Test
    void a_copy_whose_reader_fails_is_cancelled_and_the_connection_can_be_used() throws Exception {
        try (Connection connection = database.connect()) {
            connection.setAutoCommit(false);
            IOException failure = new IOException("the reader failed");
            assertThatThrownBy(() -> CopyMessages.read(connection, LONG_COPY, message -> {
                        throw failure;
                    }))
                    .isSameAs(failure)
                    .hasNoSuppressedExceptions();
            assertThat(connection.isClosed()).isFalse();
            connection.rollback();
            try (Statement statement = connection.createStatement();
                    ResultSet result = statement.executeQuery("SELECT 'here'")) {
                assertThat(result.next()).isTrue();
                assertThat(result.getString(1)).isEqualTo("here");
            }
        }
    }

    @Test
    void a_connection_is_given_up_where_memory_ended_within_a_copy() throws Exception {
        try (Connection connection = database.connect()) {
            connection.setAutoCommit(false);
            OutOfMemoryError failure = new OutOfMemoryError("Java heap space");
            assertThatThrownBy(() -> CopyMessages.read(connection, LONG_COPY, message -> {
                        throw failure;
                    }))
                    .isSameAs(failure);
            assertThat(connection.isClosed()).isTrue();
        }
    }
}
