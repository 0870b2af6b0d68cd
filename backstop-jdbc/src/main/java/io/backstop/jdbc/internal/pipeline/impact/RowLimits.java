package io.backstop.jdbc.internal.pipeline.impact;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.Destruction;
import io.backstop.api.analysis.Destruction.Kind;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.policy.ImpactRules;
import io.backstop.jdbc.internal.pipeline.statement.Execution;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Arrays;
import java.util.Optional;
import java.util.Set;

/**
 * Whether a statement changed more rows than the policy lets pass, by their number or by their share of the table. Belongs
 * to one connection; not thread-safe.
 */
record RowLimits(Connection connection, Assessment assessment, ImpactRules rules) {
    /** Commands whose count is of rows that they changed, and not also of rows that they inserted. */
    private static final Set<CommandTag> COUNTED = Set.of(CommandTag.UPDATE, CommandTag.DELETE);

    /**
     * Why the changed rows are too many; empty where they are not.
     *
     * @param batchCounts how many rows each statement of a batch changed, as {@link Execution#batchCounts} tells
     */
    Optional<String> passedBy(ChangedRows changed, long[] batchCounts) throws SQLException {
        long total = changed.total();
        boolean manySmall = isManySmallWrites(batchCounts, total);
        if (total > rules.maxWriteRows() && !manySmall) {
            return Optional.of("it changed " + total + " rows, and the policy lets " + rules.maxWriteRows() + " pass");
        }
        return manySmall && countsNothingElse()
                ? share(
                        changed,
                        Arrays.stream(batchCounts).max().orElse(total),
                        "its statements changed up to ",
                        " rows each")
                : share(changed, total, "it changed ", " rows");
    }

    /** Whether it is a batch of statements none of which passes the limit, and which together changed what they say. */
    private boolean isManySmallWrites(long[] counts, long total) {
        return Arrays.stream(counts).allMatch(count -> count >= 0 && count <= rules.maxWriteRows())
                && Arrays.stream(counts).sum() == total;
    }

    /** Else inserted rows could make up in the sum for what a cascade or a trigger changed. */
    private boolean countsNothingElse() {
        return assessment.statements().stream().allMatch(statement -> COUNTED.contains(statement.tag()));
    }

    /** @param most how many rows of one table are judged at most: those of the largest statement */
    private Optional<String> share(ChangedRows changed, long most, String before, String after) throws SQLException {
        if (most <= 1) {
            return Optional.empty();
        }
        for (Destruction destruction : assessment.destructions()) {
            for (RelationName table : destruction.relations()) {
                long here = changed.of(connection, table.quoted());
                long judged = Math.min(here, most);
                if (judged > 1 && passesShare(table, judged, gone(destruction.kind(), here, judged))) {
                    return Optional.of(before + judged + after + ", more than " + rules.maxWritePercent()
                            + " percent of " + table);
                }
            }
        }
        return Optional.empty();
    }

    /**
     * How many rows are no longer there to be counted. Where updates stand beside, the changed rows do not tell how many
     * were deleted: only those that are judged are certain.
     */
    private long gone(Kind kind, long here, long judged) {
        if (kind != Kind.DELETE) {
            return 0;
        }
        return assessment.destructions().stream().allMatch(each -> each.kind() == Kind.DELETE) ? here : judged;
    }

    /** Whether the changed rows are a larger share of their table than allowed. Reads no more rows than it has to. */
    private boolean passesShare(RelationName table, long changed, long gone) throws SQLException {
        int percent = rules.maxWritePercent();
        if (percent == 100 || changed > Integer.MAX_VALUE) {
            return false;
        }
        long enough = (changed * 100 + percent - 1) / percent - gone;
        return enough > 0 && present(table, enough) < enough;
    }

    /** How many rows the table has, counted up to the limit; by the server's estimate where the role may not count. */
    private long present(RelationName table, long limit) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement(
                "SELECT pg_catalog.has_table_privilege(oid, 'SELECT'), reltuples FROM pg_catalog.pg_class"
                        + " WHERE oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass(?)")) {
            select.setString(1, table.quoted());
            try (ResultSet row = select.executeQuery()) {
                if (!row.next()) {
                    return limit; // it is gone, or a name for something else: nothing to compare with
                }
                if (!row.getBoolean(1)) {
                    return row.getLong(2);
                }
            }
        }
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT pg_catalog.count(*) FROM (SELECT FROM " + table.quoted()
                        + " LIMIT " + limit + ") AS present")) {
            row.next();
            return row.getLong(1);
        }
    }
}
