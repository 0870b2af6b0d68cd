package io.backstop.jdbc.analysis;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.Destruction;
import io.backstop.api.analysis.Destruction.Kind;
import io.backstop.api.analysis.ObjectKind;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.analysis.StatementAssessment;
import io.backstop.api.analysis.Target;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;

class SqlAnalyzerTest {
    private final SqlAnalyzer analyzer = SqlAnalyzer.create();

    private StatementAssessment only(String sql) {
        List<StatementAssessment> statements = analyzer.assess(sql).statements();
        assertThat(statements).hasSize(1);
        return statements.get(0);
    }

    @Test
    void nothing_but_space_is_empty() {
        Assessment assessment = analyzer.assess(" -- x\n /* y */ ;; ");
        assertThat(assessment.statements()).isEmpty();
        assertThat(assessment.operation()).isEqualTo("EMPTY");
        assertThat(assessment.risk()).isEqualTo(RiskLevel.SAFE);
    }

    @Test
    void names_targets_in_the_order_of_the_text() {
        StatementAssessment statement = only("WITH a AS (DELETE FROM s.\"One\" RETURNING *), "
                + "b AS (UPDATE two SET x = 1 RETURNING *) INSERT INTO Three SELECT * FROM a, b, four");
        assertThat(statement.operation()).isEqualTo("INSERT");
        assertThat(statement.targets())
                .extracting(Target::name)
                .containsExactly(RelationName.of("s", "One"), RelationName.of("two"), RelationName.of("three"));
        assertThat(statement.reads()).containsExactly(RelationName.of("four"));
    }

    @Test
    void cuts_names_where_the_server_does() {
        String longest = "a".repeat(63);
        assertThat(analyzer.assess("DROP TABLE " + longest + "bc").tables()).containsExactly(RelationName.of(longest));
        assertThat(analyzer.assess("DROP TABLE \"" + "ä".repeat(40) + "\"").tables())
                .containsExactly(RelationName.of("ä".repeat(31)));
    }

    @Test
    void names_the_columns_that_are_written() {
        assertThat(only("UPDATE t SET a = 1, (b, \"C\") = (1, 2), d[1].e = 3 WHERE f = 4")
                        .columnsWritten())
                .containsExactlyInAnyOrder("a", "b", "C", "d");
        assertThat(only("INSERT INTO t (a, b) VALUES (1, 2) ON CONFLICT (a) DO UPDATE SET c = 3")
                        .columnsWritten())
                .containsExactlyInAnyOrder("a", "b", "c");
        assertThat(only("ALTER TABLE t DROP a, ALTER b TYPE text").columnsWritten())
                .containsExactlyInAnyOrder("a", "b");
        assertThat(only("MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN UPDATE SET b = 1 "
                                + "WHEN NOT MATCHED THEN INSERT (c) VALUES (1)")
                        .columnsWritten())
                .containsExactlyInAnyOrder("b", "c");
    }

    @Test
    void names_functions_and_relations_that_are_read() {
        StatementAssessment statement =
                only("SELECT app.F(x), \"G\"(y), count(*) FILTER (WHERE z) FROM a, s.b AS c (d) "
                        + "JOIN LATERAL h(1) AS i (j) ON k(2) WHERE x IN (SELECT 1 FROM l) AND y = ANY (ARRAY[m(3)])");
        assertThat(statement.functions()).containsExactlyInAnyOrder("app.f", "G", "count", "h", "k", "m");
        assertThat(statement.reads())
                .containsExactlyInAnyOrder(RelationName.of("a"), RelationName.of("s", "b"), RelationName.of("l"));
    }

    @Test
    void an_explained_statement_changes_nothing_unless_it_runs() {
        assertThat(only("EXPLAIN DELETE FROM t").targets()).isEmpty();
        assertThat(only("EXPLAIN ANALYZE DELETE FROM t WHERE a = 1").destructions())
                .containsExactly(new Destruction(Kind.DELETE, List.of(RelationName.of("t")), false, true));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "DELETE FROM t | DELETE | t | false | false",
                "DELETE FROM s.t WHERE a = 1 | DELETE | s.t | false | true",
                "UPDATE t SET a = 1 | UPDATE | t | false | false",
                "UPDATE t SET a = 1 WHERE b = 2 | UPDATE | t | false | true",
                "INSERT INTO t VALUES (1) ON CONFLICT (a) DO UPDATE SET b = 1 | UPDATE | t | false | true",
                "MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN DELETE | DELETE | t | false | true",
                "MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN UPDATE SET b = 1 | UPDATE | t | false | true",
                "TRUNCATE a, b CASCADE | TRUNCATE | a,b | true | false",
                "DROP TABLE a, s.b | DROP_TABLE | a,s.b | false | false",
                "DROP FOREIGN TABLE IF EXISTS far, s.b | DROP_TABLE | far,s.b | false | false",
                "DROP FOREIGN TABLE far CASCADE | DROP_TABLE | far | true | false",
                "DROP VIEW v CASCADE | DROP_VIEW | v | true | false",
                "DROP MATERIALIZED VIEW v | DROP_MATERIALIZED_VIEW | v | false | false",
                "DROP SCHEMA a, b CASCADE | DROP_SCHEMA | a,b | true | false",
                "ALTER TABLE t DROP COLUMN a CASCADE | ALTER_TABLE | t | true | false",
                "ALTER TABLE t ALTER a TYPE text, ALTER b TYPE text | ALTER_TABLE | t | false | false",
                "ALTER TABLE t DROP CONSTRAINT c CASCADE | DROP_OBJECT | t | true | false",
                "ALTER TABLE t DROP CONSTRAINT c CASCADE, ADD d int | UNRECOVERABLE | t | true | false",
                "ALTER TYPE t DROP ATTRIBUTE a | UNRECOVERABLE | t | false | false",
                "DROP DATABASE d | UNRECOVERABLE | d | false | false",
                "DROP OWNED BY r | UNRECOVERABLE | r | false | false",
                "DROP EXTENSION e | UNRECOVERABLE | e | false | false",
                "DROP TYPE t CASCADE | DROP_OBJECT | t | true | false",
                "DROP COLLATION c CASCADE | UNRECOVERABLE | c | true | false",
                "DROP INDEX CONCURRENTLY i CASCADE | UNRECOVERABLE | i | true | false",
                "COPY t TO '/x' | UNRECOVERABLE | '' | false | false",
                "COPY t FROM PROGRAM 'x' | UNRECOVERABLE | '' | false | false",
                "SELECT lo_unlink(1) | UNRECOVERABLE | '' | false | false",
                "FROB | UNRECOVERABLE | '' | false | false",
            })
    void says_what_would_be_lost(String sql, Kind kind, String relations, boolean cascade, boolean scoped) {
        Destruction destruction = only(sql).destructions().get(0);
        assertThat(only(sql).destructions()).hasSize(1);
        assertThat(destruction.kind()).isEqualTo(kind);
        assertThat(String.join(
                        ",",
                        destruction.relations().stream()
                                .map(RelationName::toString)
                                .toList()))
                .isEqualTo(relations);
        assertThat(destruction.cascade()).isEqualTo(cascade);
        assertThat(destruction.scoped()).isEqualTo(scoped);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "INSERT INTO t VALUES (1)",
                "COPY t FROM '/x'",
                "DROP INDEX i",
                "ALTER TABLE t ADD COLUMN a int",
                "CREATE TABLE t (a int)",
                "MERGE INTO t USING s ON t.a = s.a WHEN NOT MATCHED THEN INSERT VALUES (1)",
                "SELECT 1",
            })
    void says_where_nothing_would_be_lost(String sql) {
        assertThat(only(sql).destructions()).isEmpty();
    }

    @Test
    void knows_what_kind_of_object_a_target_is() {
        assertThat(only("DROP MATERIALIZED VIEW v").targets())
                .containsExactly(new Target(ObjectKind.MATERIALIZED_VIEW, RelationName.of("v")));
        assertThat(only("DROP INDEX CONCURRENTLY IF EXISTS s.i").targets())
                .containsExactly(new Target(ObjectKind.INDEX, RelationName.of("s", "i")));
    }

    @Test
    void a_text_is_read_once_and_texts_of_one_shape_share_their_assessment() {
        Assessment first = analyzer.assess("SELECT * FROM t WHERE a = 1 AND b = 'x'");
        assertThat(analyzer.assess("SELECT * FROM t WHERE a = 1 AND b = 'x'")).isSameAs(first);
        assertThat(analyzer.assess("select * from T where a = 2 and b = 'y' -- again"))
                .isSameAs(first);
        assertThat(analyzer.assess("SELECT * FROM \"T\" WHERE a = 1 AND b = 'x'"))
                .isNotSameAs(first);
        assertThat(analyzer.assess("SELECT * FROM t WHERE a = 'x' AND b = 1")).isNotSameAs(first);
    }

    @Test
    void texts_whose_literals_matter_are_not_taken_for_each_other() {
        assertThat(analyzer.assess("DELETE FROM t WHERE 1 = 2").risk()).isEqualTo(RiskLevel.WRITE);
        assertThat(analyzer.assess("DELETE FROM t WHERE 1 = 1").risk()).isEqualTo(RiskLevel.CRITICAL);
        assertThat(analyzer.assess("SELECT set_config('search_path', 'x', false)")
                        .risk())
                .isEqualTo(RiskLevel.SAFE);
        assertThat(analyzer.assess("SELECT set_config('role', 'x', false)").risk())
                .isEqualTo(RiskLevel.HIGH);
        assertThat(analyzer.assess("EXPLAIN (ANALYZE 0) DELETE FROM t").risk()).isEqualTo(RiskLevel.SAFE);
        assertThat(analyzer.assess("EXPLAIN (ANALYZE 1) DELETE FROM t").risk()).isEqualTo(RiskLevel.CRITICAL);
        assertThat(analyzer.assess("SET standard_conforming_strings = off; SELECT 'a'")
                        .risk())
                .isEqualTo(RiskLevel.SAFE);
        assertThat(analyzer.assess("SET standard_conforming_strings = off; SELECT '\\' -- '\n; DROP TABLE t --")
                        .risk())
                .isEqualTo(RiskLevel.CRITICAL);
    }

    @Test
    void without_standard_conforming_strings_a_backslash_hides_a_quote() {
        String sql = "SELECT '\\'; DROP TABLE users; --'";
        assertThat(analyzer.assess(sql, true).risk()).isEqualTo(RiskLevel.CRITICAL);
        assertThat(analyzer.assess(sql, false).risk()).isEqualTo(RiskLevel.SAFE);
        assertThat(analyzer.assess(sql).risk()).isEqualTo(RiskLevel.CRITICAL);
    }
}
