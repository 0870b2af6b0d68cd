package io.backstop.jdbc.analysis;

import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.analysis.StatementAssessment;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

/**
 * What is new in the grammar of PostgreSQL 19: {@code risk|text}. Whether a server reads these texts too is tested where
 * BACKSTOP_TEST_POSTGRES_19_URL names one; there are no embedded binaries of it.
 */
class Postgres19Test {
    private static final String SERVER = "BACKSTOP_TEST_POSTGRES_19_URL";

    private final SqlAnalyzer analyzer = SqlAnalyzer.create();

    @ParameterizedTest
    @ValueSource(
            strings = {
                "HIGH|REPACK grammar_19",
                "HIGH|REPACK (VERBOSE) grammar_19 USING INDEX grammar_19_pkey",
                "HIGH|REPACK (CONCURRENTLY, ANALYZE false) grammar_19",
                "HIGH|REPACK USING INDEX",
                "HIGH|REPACK (VERBOSE off) USING INDEX",
                "SAFE|WAIT FOR LSN '0/3000060' WITH (MODE 'primary_flush', TIMEOUT '1s', NO_THROW)",
                "SAFE|WAIT FOR LSN '0/3000060'",
                "SAFE|CHECKPOINT (MODE SPREAD, FLUSH_UNLOGGED)",
                "WRITE|INSERT INTO grammar_19 VALUES (1, 'x') ON CONFLICT (id) DO SELECT RETURNING *",
                "WRITE|INSERT INTO grammar_19 AS g VALUES (1, 'x') ON CONFLICT (id)"
                        + " DO SELECT FOR NO KEY UPDATE WHERE g.v = 'x' RETURNING g.id",
                "SAFE|SELECT lag(v) IGNORE NULLS OVER (ORDER BY id) FROM grammar_19",
                "SAFE|SELECT first_value(v) RESPECT NULLS OVER w FROM grammar_19 WINDOW w AS (ORDER BY id)",
                "SAFE|SELECT lead(v) IGNORE NULLS OVER (PARTITION BY id ORDER BY v) AS ignore FROM grammar_19",
                "SAFE|COPY grammar_19 TO STDOUT (FORMAT json, FORCE_ARRAY)",
                "SAFE|COPY grammar_19 TO STDOUT JSON",
                "SAFE|SET search_path TO NULL",
                "SAFE|SET search_path = NULL",
                "HIGH|CREATE PUBLICATION grammar_19_p FOR ALL TABLES EXCEPT (TABLE grammar_19), ALL SEQUENCES",
                "HIGH|ALTER PUBLICATION grammar_19_p SET ALL SEQUENCES",
                "HIGH|ALTER SUBSCRIPTION grammar_19_s REFRESH SEQUENCES",
                "HIGH|CREATE SUBSCRIPTION grammar_19_s SERVER grammar_19_f PUBLICATION p",
                "HIGH|CREATE FOREIGN DATA WRAPPER grammar_19_w CONNECTION f",
                "HIGH|ALTER FOREIGN DATA WRAPPER grammar_19_w NO CONNECTION",
                "SAFE|EXPLAIN (ANALYZE off, IO) SELECT 1",
                "SAFE|SELECT wait, lsn, repack, ignore, respect FROM (VALUES (1, 2, 3, 4, 5))"
                        + " AS repack (wait, lsn, repack, ignore, respect)",
                // Reverted before the release: the server refuses it, and a later one may mean anything by it.
                "CRITICAL|DELETE FROM grammar_19 FOR PORTION OF v FROM 1 TO 2",
                "CRITICAL|ALTER TABLE grammar_19 MERGE PARTITIONS (a, b) INTO c",
                "CRITICAL|ALTER TABLE grammar_19 SPLIT PARTITION a INTO (PARTITION b DEFAULT)",
                "CRITICAL|CREATE PROPERTY GRAPH g VERTEX TABLES (grammar_19)",
                "SAFE|SELECT * FROM GRAPH_TABLE (g MATCH (a)-[b]->(c) COLUMNS (a.id))"
            })
    void has_the_risk_that_its_effect_has(String riskAndText) {
        int bar = riskAndText.indexOf('|');
        assertThat(analyzer.assess(riskAndText.substring(bar + 1)).risk())
                .isEqualTo(RiskLevel.valueOf(riskAndText.substring(0, bar)));
    }

    @Test
    void a_call_behind_ignored_nulls_is_none() {
        StatementAssessment read = analyzer.assess("SELECT lag(v) IGNORE NULLS OVER (ORDER BY f(id)) FROM t")
                .statements()
                .get(0);
        assertThat(read.functions()).containsExactlyInAnyOrder("lag", "f");
        assertThat(analyzer.assess("SELECT nulls, over(1)").statements().get(0).functions())
                .containsExactly("over");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "REPACK grammar_19",
                "REPACK (VERBOSE) grammar_19 USING INDEX grammar_19_pkey",
                "CHECKPOINT (MODE FAST)",
                "INSERT INTO grammar_19 VALUES (1, 'x') ON CONFLICT (id) DO SELECT FOR UPDATE RETURNING *",
                "SELECT lag(v) IGNORE NULLS OVER (ORDER BY id) FROM grammar_19",
                "SET search_path TO NULL",
                "WAIT FOR LSN '0/1' WITH (MODE 'primary_flush', TIMEOUT '1s', NO_THROW)"
            })
    void runs_on_the_server(String sql) throws SQLException {
        try (Connection connection = connect();
                Statement statement = connection.createStatement()) {
            statement.execute("DROP TABLE IF EXISTS grammar_19");
            statement.execute("CREATE TABLE grammar_19 (id int PRIMARY KEY, v text)");
            statement.execute("INSERT INTO grammar_19 VALUES (1, 'x')");
            statement.execute(sql);
            statement.execute("DROP TABLE public.grammar_19");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "DELETE FROM grammar_19 FOR PORTION OF v FROM 1 TO 2",
                "ALTER TABLE grammar_19 MERGE PARTITIONS (a, b) INTO c",
                "CREATE PROPERTY GRAPH g VERTEX TABLES (grammar_19)",
                "SET standard_conforming_strings = off"
            })
    void is_refused_by_the_server(String sql) throws SQLException {
        try (Connection connection = connect();
                Statement statement = connection.createStatement()) {
            SQLException refusal = catchThrowableOfType(SQLException.class, () -> statement.execute(sql));
            assertThat((Throwable) refusal).as(sql).isNotNull();
        }
    }

    private static Connection connect() throws SQLException {
        String url = System.getenv(SERVER);
        assumeTrue(url != null, SERVER + " names no server of PostgreSQL 19");
        return DriverManager.getConnection(url);
    }
}
