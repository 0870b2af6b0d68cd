package io.backstop.jdbc.internal.pipeline.impact.columns;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.CommandTag;
import io.backstop.jdbc.internal.pipeline.statement.Execution;
import org.jspecify.annotations.Nullable;
import org.postgresql.jdbc.PgResultSet;

import java.lang.reflect.Field;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** How many rows a statement that has run says it has changed itself, whatever else it set off. Stateless. */
public final class ReportedRows {
    /** Where the rows are that were returned all at once; pgjdbc tells nobody how many it holds. */
    private static final Optional<Field> RETURNED = returned();

    private static final Set<CommandTag> WRITES =
            Set.of(CommandTag.INSERT, CommandTag.UPDATE, CommandTag.DELETE, CommandTag.MERGE);

    private ReportedRows() {}

    private static Optional<Field> returned() {
        try {
            Field field = PgResultSet.class.getDeclaredField("rows");
            field.setAccessible(true);
            return Optional.of(field);
        } catch (NoSuchFieldException | RuntimeException e) {
            return Optional.empty();
        }
    }

    /**
     * Asks pgjdbc, which is left as it is.
     *
     * @param assessment of the text, or of all texts of a batch
     * @param batchCounts what each statement of a batch says; empty for no batch
     * @return empty where the driver does not know, or the rows that it knows of may be others: those of a query, or of the
     *     first of several statements
     */
    public static Optional<Long> of(Assessment assessment, Execution<?> execution, long[] batchCounts)
            throws SQLException {
        if (!assessment.statements().stream()
                .allMatch(each ->
                        WRITES.contains(each.tag()) && each.inner().stream().noneMatch(WRITES::contains))) {
            return Optional.empty();
        }
        if (execution.isBatch() || batchCounts.length > 0) {
            return Arrays.stream(batchCounts).allMatch(count -> count >= 0)
                    ? Optional.of(Arrays.stream(batchCounts).sum())
                    : Optional.empty();
        }
        if (assessment.statements().size() > 1) {
            return Optional.empty();
        }
        Statement statement = execution.statement();
        long count = statement.getLargeUpdateCount();
        if (count >= 0) {
            return Optional.of(count);
        }
        @Nullable ResultSet result = statement.getResultSet();
        return result == null ? Optional.empty() : size(result);
    }

    private static Optional<Long> size(ResultSet result) throws SQLException {
        if (RETURNED.isEmpty() || !result.isWrapperFor(PgResultSet.class)) {
            return Optional.empty();
        }
        try {
            return RETURNED.get().get(result.unwrap(PgResultSet.class)) instanceof List<?> rows
                    ? Optional.of((long) rows.size())
                    : Optional.empty();
        } catch (IllegalAccessException e) {
            return Optional.empty();
        }
    }
}
