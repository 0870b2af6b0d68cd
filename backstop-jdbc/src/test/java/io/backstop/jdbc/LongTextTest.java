package io.backstop.jdbc;

import io.backstop.api.approval.ApprovalState;
import io.backstop.api.error.AgentQuarantinedException;
import io.backstop.api.error.ApprovalRequiredException;
import io.backstop.api.error.StatementBlockedException;
import io.backstop.api.policy.Policy;
import io.backstop.jdbc.analysis.SqlAnalyzer;
import io.backstop.jdbc.control.SqlControlStore;
import io.backstop.jdbc.internal.pipeline.statement.RecordedText;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** However long a text is, little of it is kept, and what nobody can read is refused. */
@ExtendWith(PostgresExtension.class)
class LongTextTest {
    @TempDir
    private Path folder;

    private TestDatabase database;
    private SqlControlStore store;
    private Backstop backstop;
    private Connection connection;

    @BeforeEach
    void connect(TestDatabase testDatabase) throws SQLException {
        database = testDatabase;
        database.run("DROP TABLE IF EXISTS notes", "CREATE TABLE notes (id int PRIMARY KEY, note text)");
        store = SqlControlStore.sqlite(folder.resolve("backstop.db"), Clock.systemUTC());
        guard(Policy.strict());
    }

    private void guard(Policy policy) throws SQLException {
        backstop = Backstop.builder()
                .policy(policy)
                .control(store)
                .agentId("agent")
                .build();
        connection = backstop.guard(database.connect());
    }

    @AfterEach
    void close() throws SQLException {
        connection.close();
        backstop.close();
    }

    private void execute(String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private static String padded(String sql, int length) {
        return sql + " -- " + "x".repeat(length - sql.length() - 4);
    }

    @Test
    void a_text_that_no_operator_could_read_is_refused_instead_of_held() throws SQLException {
        int length = RecordedText.LONGEST_APPROVABLE + 1;
        assertThatThrownBy(() -> execute(padded("TRUNCATE notes", length)))
                .isInstanceOf(StatementBlockedException.class)
                .hasMessage("TRUNCATE is refused: it needs an approval, its text has " + length
                        + " characters, and an operator is asked to read at most " + RecordedText.LONGEST_APPROVABLE
                        + " [text-too-long]\nHINT: send the same work in several shorter statements");
        assertThat(store.approvals().list(ApprovalState.PENDING)).isEmpty();
    }

    @Test
    void the_longest_text_that_an_operator_reads_is_kept_whole() throws SQLException {
        String longest = padded("CREATE INDEX i ON notes (note)", RecordedText.LONGEST_APPROVABLE);
        assertThatThrownBy(() -> execute(longest)).isInstanceOf(ApprovalRequiredException.class);
        assertThat(store.approvals().list(ApprovalState.PENDING))
                .singleElement()
                .satisfies(held -> assertThat(held.request().sql()).isEqualTo(longest));
        assertThat(store.audit().newest(10))
                .allSatisfy(record -> assertThat(record.event().sql())
                        .hasSizeLessThan(RecordedText.LONGEST_IN_AUDIT + 40)
                        .endsWith("… (" + longest.length() + " characters)"));
    }

    @Test
    void a_text_that_is_too_long_to_be_read_runs_under_no_policy_that_refuses_anything() throws SQLException {
        close();
        store = SqlControlStore.sqlite(folder.resolve("backstop.db"), Clock.systemUTC());
        guard(Policy.application());
        String insert = padded("INSERT INTO notes VALUES (1, '')", SqlAnalyzer.LONGEST_TEXT + 1);
        assertThatThrownBy(() -> execute(insert))
                .isInstanceOf(StatementBlockedException.class)
                .hasMessageContaining("its text has " + insert.length() + " characters, and at most "
                        + SqlAnalyzer.LONGEST_TEXT + " are read [text-too-long]");
        assertThat(database.value("SELECT count(*) FROM notes")).isEqualTo("0");
        execute(padded("INSERT INTO notes VALUES (1, '')", SqlAnalyzer.LONGEST_TEXT));
        assertThat(database.value("SELECT count(*) FROM notes")).isEqualTo("1");
    }

    @Test
    void what_is_too_long_for_an_approval_counts_toward_quarantine_and_then_costs_little() throws SQLException {
        String sql = padded("TRUNCATE notes", 5 << 20);
        for (int i = 0; i < 3; i++) {
            assertThatThrownBy(() -> execute(sql)).isInstanceOf(StatementBlockedException.class);
        }
        for (int i = 0; i < 20; i++) {
            assertThatThrownBy(() -> execute(sql)).isInstanceOf(AgentQuarantinedException.class);
        }
        backstop.close(); // writes what is still to be recorded
        store = SqlControlStore.sqlite(folder.resolve("backstop.db"), Clock.systemUTC());
        backstop = Backstop.builder().control(store).build();
        assertThat(store.audit().newest(100)).hasSize(23);
        assertThat(store.audit().newest(100).stream()
                        .mapToInt(record -> record.event().sql().length())
                        .sum())
                .isLessThan(200_000);
    }

    @Test
    void a_secret_at_the_place_where_a_text_is_cut_is_masked() throws SQLException {
        String begin = "ALTER ROLE nobody_here PASSWORD '";
        String comment = "/*" + "x".repeat(RecordedText.LONGEST_IN_AUDIT - begin.length() - 12) + "*/ ";
        String sql = padded(comment + begin + "open-sesame-open-sesame'", RecordedText.LONGEST_APPROVABLE + 1);
        assertThatThrownBy(() -> execute(sql)).isInstanceOf(SQLException.class);
        assertThat(store.audit().newest(10))
                .isNotEmpty()
                .allSatisfy(record -> assertThat(record.event().sql()).doesNotContain("open-ses"));
    }
}
