package io.backstop.jdbc.internal.analysis.rule;

import io.backstop.api.analysis.RiskLevel;
import io.backstop.jdbc.analysis.SqlAnalyzer;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.sql.SQLException;
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;

/** The review of PostgreSQL's own functions is complete for the server of the build. */
@ExtendWith(PostgresExtension.class)
class ReviewedFunctionsTest {
    private static final String VOLATILE = "SELECT DISTINCT proname FROM pg_proc WHERE provolatile = 'v'"
            + " AND pronamespace = 'pg_catalog'::regnamespace AND oid < 16384 ORDER BY proname";

    @Test
    void every_volatile_function_of_the_server_is_reviewed(TestDatabase database) throws SQLException {
        List<String> names = database.rows(VOLATILE);
        assertThat(names).hasSizeGreaterThan(200);
        assertThat(names)
                .allSatisfy(name ->
                        assertThat(ReviewedFunctions.holds(name)).as(name).isTrue());
    }

    /** The input function of any type whose oid is a value; the functions that take a query have names of their own. */
    @Test
    void every_function_that_reads_a_value_of_a_type_given_by_oid_is_reviewed(TestDatabase database)
            throws SQLException {
        String generic =
                "SELECT DISTINCT proname FROM pg_proc WHERE oid < 16384 AND proname ~ '^(domain|record|array|range|multirange)_in$'";
        assertThat(database.rows(generic))
                .hasSize(5)
                .allSatisfy(name -> assertThat(ReviewedFunctions.dangerous()).contains(name));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "SELECT pg_restore_relation_stats('schemaname', 'public', 'relname', 't', 'reltuples', 1::real)",
                "SELECT pg_clear_attribute_stats('public', 't', 'a', false)",
                "SELECT pg_stat_reset_shared('bgwriter')",
                "SELECT pg_stat_reset_slru(NULL)",
                "SELECT brin_summarize_new_values('i')",
                "SELECT brin_desummarize_range('i', 0)",
                "SELECT gin_clean_pending_list('i')",
                "SELECT pg_stat_file('postgresql.conf')",
                "SELECT * FROM pg_ls_waldir()",
                "SELECT domain_in('x', 16400, -1)",
                "SELECT (16400::oid).lo_unlink",
                "SELECT * FROM ((SELECT 1) UNION ALL SELECT lo_unlink(16400)) q",
                "SELECT 'a' LIKE (SELECT dblink_exec('', 'x')) ORDER BY 1",
                "SELECT 1 ORDER BY (SELECT set_config('ro' || 'le', 'x', false))",
                "SELECT * FROM ((SELECT 1) UNION ALL SELECT U&\"lo\\005funlink\"(16400)) q",
                "SELECT * FROM ((SELECT 1) UNION ALL SELECT PG_Catalog . /* */ \"lo_unlink\" -- x\n (16400)) q"
            })
    void what_changes_more_than_a_query_may_is_high_wherever_it_stands(String sql) {
        assertThat(SqlAnalyzer.create().assess(sql).risk()).isGreaterThanOrEqualTo(RiskLevel.HIGH);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "SELECT nextval('s'), currval('s'), random(), clock_timestamp(), gen_random_uuid(), pg_sleep(0)",
                "SELECT pg_advisory_lock(1), pg_try_advisory_xact_lock(1), pg_notify('a', 'b'), txid_current()",
                "SELECT pg_size_pretty(pg_total_relation_size('t')), pg_is_in_recovery(), pg_blocking_pids(1)",
                "SELECT set_config('work_mem', '64MB', true)"
            })
    void what_only_reads_waits_or_draws_numbers_is_safe(String sql) {
        assertThat(SqlAnalyzer.create().assess(sql).risk()).isEqualTo(RiskLevel.SAFE);
    }
}
