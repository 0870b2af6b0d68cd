package io.backstop.jdbc.internal.analysis.command;

import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.StatementAssessment;
import io.backstop.jdbc.internal.analysis.grammar.ObjectClass;
import io.backstop.jdbc.internal.analysis.scan.Keyword;
import io.backstop.jdbc.internal.analysis.scan.Lexer;
import io.backstop.jdbc.internal.analysis.scan.TokenList;
import io.backstop.jdbc.internal.analysis.scan.TokenSpan;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import static java.util.Map.entry;
import static org.assertj.core.api.Assertions.assertThat;

class CommandTagsTest {
    private static final Map<String, CommandTag> COMMANDS = Map.ofEntries(
            entry("SELECT 1", CommandTag.SELECT),
            entry("VALUES (1)", CommandTag.SELECT),
            entry("TABLE t", CommandTag.SELECT),
            entry("WITH q AS (SELECT 1) SELECT * FROM q", CommandTag.SELECT),
            entry("SELECT 1 INTO t", CommandTag.SELECT_INTO),
            entry("INSERT INTO t VALUES (1)", CommandTag.INSERT),
            entry("UPDATE t SET a = 1", CommandTag.UPDATE),
            entry("DELETE FROM t", CommandTag.DELETE),
            entry("MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN DELETE", CommandTag.MERGE),
            entry("TRUNCATE t", CommandTag.TRUNCATE),
            entry("COPY t FROM 'file'", CommandTag.COPY),
            entry("COPY t TO 'file'", CommandTag.COPY),
            entry("COPY t FROM STDIN", CommandTag.COPY_FROM),
            entry("COPY t TO STDOUT", CommandTag.COPY_TO),
            entry("COPY t FROM PROGRAM 'p'", CommandTag.COPY_PROGRAM),
            entry("EXPLAIN DELETE FROM t", CommandTag.EXPLAIN),
            entry("EXPLAIN ANALYZE DELETE FROM t", CommandTag.EXPLAIN_ANALYZE),
            entry("PREPARE p AS SELECT 1", CommandTag.PREPARE),
            entry("EXECUTE p", CommandTag.EXECUTE),
            entry("DEALLOCATE p", CommandTag.DEALLOCATE),
            entry("DECLARE c CURSOR FOR SELECT 1", CommandTag.DECLARE_CURSOR),
            entry("FETCH c", CommandTag.FETCH),
            entry("MOVE c", CommandTag.MOVE),
            entry("CLOSE c", CommandTag.CLOSE),
            entry("CALL p()", CommandTag.CALL),
            entry("DO 'x'", CommandTag.DO),
            entry("SET a = 1", CommandTag.SET),
            entry("SET CONSTRAINTS ALL DEFERRED", CommandTag.SET_CONSTRAINTS),
            entry("SET ROLE r", CommandTag.SET_ROLE),
            entry("SET SESSION AUTHORIZATION r", CommandTag.SET_SESSION_AUTHORIZATION),
            entry("SET TRANSACTION READ ONLY", CommandTag.SET_TRANSACTION),
            entry("RESET a", CommandTag.RESET),
            entry("SHOW a", CommandTag.SHOW),
            entry("DISCARD ALL", CommandTag.DISCARD),
            entry("LISTEN a", CommandTag.LISTEN),
            entry("NOTIFY a", CommandTag.NOTIFY),
            entry("UNLISTEN a", CommandTag.UNLISTEN),
            entry("LOAD 'l'", CommandTag.LOAD),
            entry("BEGIN", CommandTag.BEGIN),
            entry("START TRANSACTION", CommandTag.START_TRANSACTION),
            entry("COMMIT", CommandTag.COMMIT),
            entry("END", CommandTag.COMMIT),
            entry("COMMIT PREPARED 'x'", CommandTag.COMMIT_PREPARED),
            entry("ROLLBACK", CommandTag.ROLLBACK),
            entry("ABORT", CommandTag.ROLLBACK),
            entry("ROLLBACK PREPARED 'x'", CommandTag.ROLLBACK_PREPARED),
            entry("SAVEPOINT s", CommandTag.SAVEPOINT),
            entry("RELEASE s", CommandTag.RELEASE_SAVEPOINT),
            entry("ROLLBACK TO s", CommandTag.ROLLBACK_TO_SAVEPOINT),
            entry("PREPARE TRANSACTION 'x'", CommandTag.PREPARE_TRANSACTION),
            entry("VACUUM", CommandTag.VACUUM),
            entry("ANALYZE", CommandTag.ANALYZE),
            entry("ANALYSE", CommandTag.ANALYZE),
            entry("CLUSTER", CommandTag.CLUSTER),
            entry("REPACK t", CommandTag.REPACK),
            entry("WAIT FOR LSN '0/1'", CommandTag.WAIT),
            entry("REINDEX TABLE t", CommandTag.REINDEX),
            entry("REFRESH MATERIALIZED VIEW v", CommandTag.REFRESH_MATERIALIZED_VIEW),
            entry("LOCK t", CommandTag.LOCK),
            entry("CHECKPOINT", CommandTag.CHECKPOINT),
            entry("GRANT r TO s", CommandTag.GRANT),
            entry("REVOKE r FROM s", CommandTag.REVOKE),
            entry("REASSIGN OWNED BY r TO s", CommandTag.REASSIGN_OWNED),
            entry("COMMENT ON TABLE t IS 'x'", CommandTag.COMMENT),
            entry("SECURITY LABEL ON TABLE t IS 'x'", CommandTag.SECURITY_LABEL),
            entry("IMPORT FOREIGN SCHEMA s FROM SERVER f INTO t", CommandTag.IMPORT_FOREIGN_SCHEMA),
            entry("CREATE TABLE t AS SELECT 1", CommandTag.CREATE_TABLE_AS),
            entry("ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO r", CommandTag.ALTER_DEFAULT_PRIVILEGES),
            entry("ALTER SYSTEM SET a = 1", CommandTag.ALTER_SYSTEM),
            entry("DROP TABLE t", CommandTag.DROP_TABLE));

    /** What may follow CREATE, ALTER or DROP and the class: each class understands at least one of each. */
    private static final List<String> REST = List.of(
            " x",
            " x (a int)",
            " x AS SELECT 1",
            " x() AS 'y'",
            " x ON y",
            " x USING y",
            " x RENAME TO y",
            " BY x",
            " (a AS b)",
            " FOR x LANGUAGE y",
            " FOR x SERVER y",
            " +(int, int)");

    private static StatementAssessment read(String sql) {
        TokenList tokens = Lexer.scan(sql, true);
        return StatementReader.read(tokens, new TokenSpan(0, tokens.size())).assessment();
    }

    private static Keyword firstWord(String sql) {
        return Lexer.scan(sql, true).keyword(0);
    }

    @Test
    void every_first_word_of_a_command_yields_its_tag() {
        assertThat(COMMANDS.keySet().stream()
                        .collect(Collectors.toMap(sql -> sql, sql -> read(sql).tag())))
                .isEqualTo(COMMANDS);
        Set<Keyword> begin = Arrays.stream(Keyword.values())
                .filter(word -> word != Keyword.NO_KEYWORD)
                .filter(word -> read(word.name()).findings().stream()
                        .noneMatch(finding -> finding.reason().contains("no command begins like this")))
                .collect(Collectors.toSet());
        assertThat(Stream.concat(COMMANDS.keySet().stream().map(CommandTagsTest::firstWord), Stream.of(Keyword.CREATE)))
                .containsAll(begin);
    }

    @Test
    void every_class_of_object_yields_the_tags_of_its_commands() {
        for (ObjectClass objects : ObjectClass.values()) {
            String words = objects.name().replace('_', ' ');
            assertThat(tags("CREATE " + words)).as(words).isEqualTo(only(objects.creating()));
            assertThat(tags("ALTER " + words)).as(words).isEqualTo(only(objects.altering()));
            assertThat(tags("DROP " + words)).as(words).isEqualTo(only(objects.dropping()));
        }
    }

    private static Set<CommandTag> only(CommandTag tag) {
        Set<CommandTag> tags = EnumSet.of(tag);
        tags.remove(CommandTag.UNRECOGNISED);
        return tags;
    }

    private static Set<CommandTag> tags(String begin) {
        Set<CommandTag> tags = EnumSet.noneOf(CommandTag.class);
        for (String rest : REST) {
            tags.add(read(begin + rest).tag());
        }
        tags.remove(CommandTag.UNRECOGNISED);
        tags.remove(CommandTag.CREATE_TABLE_AS);
        return tags;
    }

    @Test
    void every_tag_is_that_of_some_statement() {
        Set<CommandTag> yielded = EnumSet.of(CommandTag.EMPTY, CommandTag.UNRECOGNISED);
        yielded.addAll(COMMANDS.values());
        for (ObjectClass objects : ObjectClass.values()) {
            yielded.addAll(List.of(objects.creating(), objects.altering(), objects.dropping()));
        }
        assertThat(yielded).containsExactlyInAnyOrder(CommandTag.values());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    SELECT a FROM t                                      | SELECT                                  | ''
                    SELECT (SELECT (SELECT 1)), (SELECT 2)               | SELECT                                  | SELECT
                    WITH d AS (DELETE FROM t RETURNING *) TABLE d        | SELECT                                  | DELETE
                    EXPLAIN DELETE FROM t                                | EXPLAIN                                 | ''
                    EXPLAIN (ANALYZE false) EXECUTE p                    | EXPLAIN                                 | ''
                    EXPLAIN ANALYZE DELETE FROM t                        | EXPLAIN ANALYZE DELETE                  | DELETE
                    EXPLAIN ANALYZE EXECUTE p                            | EXPLAIN ANALYZE EXECUTE                 | EXECUTE
                    EXPLAIN ANALYZE CREATE TABLE t AS EXECUTE p          | EXPLAIN ANALYZE CREATE TABLE AS         | CREATE TABLE AS, EXECUTE
                    EXPLAIN ANALYZE WITH d AS (DELETE FROM t) UPDATE u SET a = 1 | EXPLAIN ANALYZE UPDATE          | UPDATE, DELETE
                    EXPLAIN ANALYZE DECLARE c CURSOR FOR SELECT 1        | EXPLAIN ANALYZE DECLARE CURSOR          | DECLARE CURSOR, SELECT
                    CREATE TABLE t AS EXECUTE p                          | CREATE TABLE AS                         | EXECUTE
                    CREATE TABLE t AS SELECT 1                           | CREATE TABLE AS                         | SELECT
                    CREATE MATERIALIZED VIEW v AS SELECT 1               | CREATE MATERIALIZED VIEW                | SELECT
                    PREPARE p AS DELETE FROM t                           | PREPARE                                 | DELETE
                    PREPARE p AS WITH i AS (INSERT INTO t VALUES (1)) SELECT 1 | PREPARE                           | SELECT, INSERT
                    DECLARE c CURSOR FOR SELECT 1                        | DECLARE CURSOR                          | SELECT
                    COPY (DELETE FROM t RETURNING *) TO STDOUT           | COPY TO                                 | DELETE
                    FROBNICATE                                           | UNRECOGNISED                            | ''
                    """)
    void what_is_inside_is_told_from_the_outside_in(String sql, String operation, String inner) {
        StatementAssessment statement = read(sql);
        assertThat(statement.operation()).isEqualTo(operation);
        assertThat(statement.inner().stream().map(CommandTag::text).collect(Collectors.joining(", ")))
                .isEqualTo(inner);
    }
}
