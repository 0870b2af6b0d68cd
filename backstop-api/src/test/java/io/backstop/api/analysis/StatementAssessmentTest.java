package io.backstop.api.analysis;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

import java.util.List;
import java.util.Set;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class StatementAssessmentTest {
    private static StatementAssessment statement(boolean recognised, CommandTag tag, CommandTag... inner) {
        return new StatementAssessment(
                tag,
                List.of(inner),
                RiskLevel.SAFE,
                recognised,
                List.of(),
                List.of(),
                Set.of(),
                Set.of(),
                List.of(),
                List.of(),
                false);
    }

    @ParameterizedTest
    @EnumSource(
            mode = Mode.EXCLUDE,
            names = {"UNRECOGNISED", "EXPLAIN_ANALYZE"})
    void the_operation_is_the_text_of_the_command_whatever_is_inside(CommandTag tag) {
        assertThat(statement(true, tag).operation()).isEqualTo(tag.text());
        assertThat(statement(true, tag, CommandTag.DELETE).operation()).isEqualTo(tag.text());
    }

    @Test
    void the_operation_of_explain_analyze_names_what_it_runs() {
        StatementAssessment explained =
                statement(true, CommandTag.EXPLAIN_ANALYZE, CommandTag.CREATE_TABLE_AS, CommandTag.EXECUTE);
        assertThat(explained.operation()).isEqualTo("EXPLAIN ANALYZE CREATE TABLE AS");
    }

    @Test
    void it_holds_its_own_command_and_those_inside() {
        StatementAssessment explained =
                statement(true, CommandTag.EXPLAIN_ANALYZE, CommandTag.CREATE_TABLE_AS, CommandTag.EXECUTE);
        assertThat(CommandTag.values())
                .filteredOn(explained::holds)
                .containsExactlyInAnyOrder(CommandTag.EXPLAIN_ANALYZE, CommandTag.CREATE_TABLE_AS, CommandTag.EXECUTE);
    }

    @Test
    void explain_analyze_of_nothing_is_no_statement() {
        assertThatThrownBy(() -> statement(true, CommandTag.EXPLAIN_ANALYZE))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void a_statement_is_recognised_exactly_where_its_command_is() {
        assertThatThrownBy(() -> statement(true, CommandTag.UNRECOGNISED)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> statement(false, CommandTag.SELECT)).isInstanceOf(IllegalArgumentException.class);
    }
}
