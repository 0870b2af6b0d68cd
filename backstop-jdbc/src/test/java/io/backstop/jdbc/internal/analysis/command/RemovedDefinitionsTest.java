package io.backstop.jdbc.internal.analysis.command;

import io.backstop.api.analysis.Destruction;
import io.backstop.api.analysis.StatementAssessment;
import io.backstop.jdbc.internal.analysis.scan.Lexer;
import io.backstop.jdbc.internal.analysis.scan.TokenList;
import io.backstop.jdbc.internal.analysis.scan.TokenSpan;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.stream.Collectors;

import static org.assertj.core.api.Assertions.assertThat;

/** What a statement takes a definition from, by its text. */
class RemovedDefinitionsTest {
    private static StatementAssessment assessment(String sql) {
        TokenList tokens = Lexer.scan(sql, true);
        return StatementReader.read(tokens, new TokenSpan(0, tokens.size())).assessment();
    }

    private static String removed(String sql) {
        return assessment(sql).definitions().stream()
                .map(removed -> removed.kind() + " " + removed.name()
                        + removed.constraint().map(name -> " " + name).orElse("")
                        + (removed.cascade() ? " CASCADE" : ""))
                .collect(Collectors.joining(", "));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            nullValues = "nothing",
            value = {
                "ALTER FUNCTION s.f(int, text) STRICT | ROUTINE s.f",
                "ALTER ROUTINE f SET work_mem = '1MB' | ROUTINE f",
                "ALTER PROCEDURE p() OWNER TO other | ROUTINE p",
                "ALTER AGGREGATE a(int) SET SCHEMA s | ROUTINE a",
                "ALTER FUNCTION f(int) RENAME TO g | nothing",
                "ALTER FUNCTION f(int) NO DEPENDS ON EXTENSION x | nothing",
                "ALTER TYPE s.t RENAME VALUE 'a' TO 'b' | TYPE s.t",
                "ALTER TYPE t RENAME ATTRIBUTE a TO b CASCADE | TYPE t",
                "ALTER TYPE t ADD VALUE IF NOT EXISTS 'b' BEFORE 'a' | nothing",
                "ALTER TYPE t RENAME TO u | nothing",
                "ALTER DOMAIN d DROP CONSTRAINT IF EXISTS c CASCADE | TYPE d",
                "ALTER DOMAIN d SET DEFAULT 7 | TYPE d",
                "ALTER DOMAIN d ADD CHECK (VALUE > 0) | nothing",
                "ALTER DOMAIN d VALIDATE CONSTRAINT c | nothing",
                "ALTER SEQUENCE IF EXISTS s.q RESTART | RELATION s.q",
                "ALTER SEQUENCE q RENAME TO r | nothing",
                "ALTER TABLE t DISABLE TRIGGER USER | RELATION t",
                "ALTER TABLE t ENABLE TRIGGER USER | nothing",
                "ALTER TABLE t DROP CONSTRAINT c | RELATION t",
                "ALTER TABLE ONLY s.t DROP CONSTRAINT c, DROP CONSTRAINT IF EXISTS \"D\" CASCADE"
                        + " | RELATION s.t, RELATION s.t c CASCADE, RELATION s.t D CASCADE",
                "REVOKE SELECT ON t FROM x | RELATION t",
                "REVOKE ALL ON TABLE s.t, u FROM PUBLIC CASCADE | RELATION s.t, RELATION u",
                "REVOKE GRANT OPTION FOR SELECT (a, b), UPDATE ON s.t FROM x | RELATION s.t",
                "REVOKE USAGE ON SEQUENCE q FROM x | RELATION q",
                "REVOKE EXECUTE ON FUNCTION f(int), g FROM x | ROUTINE f, ROUTINE g",
                "REVOKE USAGE ON TYPE t FROM x | TYPE t",
                "REVOKE SELECT ON ALL TABLES IN SCHEMA s FROM x | nothing",
                "REVOKE USAGE ON SCHEMA s FROM x | nothing",
                "REVOKE SELECT ON LARGE OBJECT 5 FROM x | nothing",
                "REVOKE admin, other FROM x | nothing",
                "REVOKE ADMIN OPTION FOR a FROM b | nothing",
                "GRANT SELECT ON t TO x | nothing",
                "COMMENT ON TABLE s.t IS NULL | RELATION s.t",
                "COMMENT ON COLUMN c.s.t.a IS NULL | RELATION s.t",
                "COMMENT ON COLUMN t.a IS NULL | RELATION t",
                "COMMENT ON COLUMN a IS NULL | nothing",
                "COMMENT ON CONSTRAINT c ON s.t IS NULL | RELATION s.t",
                "COMMENT ON CONSTRAINT c ON DOMAIN d IS NULL | TYPE d",
                "COMMENT ON TRIGGER g ON t IS NULL | RELATION t",
                "COMMENT ON FUNCTION f(int) IS NULL | ROUTINE f",
                "COMMENT ON MATERIALIZED VIEW v IS NULL | RELATION v",
                "COMMENT ON CAST (a AS b) IS NULL | nothing",
                "COMMENT ON OPERATOR s.+ (int, int) IS NULL | nothing",
                "COMMENT ON LARGE OBJECT 5 IS NULL | nothing",
                "COMMENT ON TABLE t IS 'new' | nothing"
            })
    void what_it_names(String sql, String removed) {
        assertThat(removed(sql)).isEqualTo(removed == null ? "" : removed);
    }

    @Test
    void a_constraint_goes_with_what_depends_on_it_and_no_row() {
        assertThat(assessment("ALTER TABLE t DROP CONSTRAINT c CASCADE").destructions())
                .extracting(Destruction::kind)
                .containsExactly(Destruction.Kind.DROP_OBJECT);
        assertThat(assessment("ALTER TABLE t DROP CONSTRAINT c CASCADE, ADD d int")
                        .destructions())
                .extracting(Destruction::kind)
                .containsExactly(Destruction.Kind.UNRECOVERABLE);
    }
}
