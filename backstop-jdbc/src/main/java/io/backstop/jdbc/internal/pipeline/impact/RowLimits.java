package io.backstop.jdbc.internal.pipeline.impact;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.policy.ImpactRules;
import io.backstop.jdbc.internal.pipeline.statement.Execution;

import java.sql.SQLException;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Whether a statement changed more rows than the policy lets pass: by their number, or by their share of each table that
 * really lost them. Belongs to one connection; not thread-safe.
 *
 * @param earlier what its transaction has done before to tables into which it inserted, by oid
 */
record RowLimits(TableSizes sizes, Assessment assessment, ImpactRules rules, Map<Long, RowCounts> earlier) {
    RowLimits {
        earlier = Map.copyOf(earlier);
    }

    /** Commands whose count is of rows that they changed, and not also of rows that they inserted. */
    private static final Set<CommandTag> COUNTED = Set.of(CommandTag.UPDATE, CommandTag.DELETE);

    /**
     * Why the changed rows are too many; empty where they are not.
     *
     * @param tables what is known of the tables
     * @param batchCounts how many rows each statement of a batch changed, as {@link Execution#batchCounts} tells
     */
    Optional<String> passedBy(ChangedRows changed, Map<Long, TableStates.Table> tables, long[] batchCounts)
            throws SQLException {
        long total = changed.total();
        boolean manySmall = isManySmallWrites(batchCounts, changed)
                && new ToldRows(sizes.connection(), assessment).areOfTheirTables(changed, tables);
        if (total > rules.maxWriteRows() && !manySmall) {
            return Optional.of("it changed " + total + " rows, and the policy lets " + rules.maxWriteRows() + " pass");
        }
        return manySmall && countsNothingElse()
                ? share(
                        changed.losses(tables),
                        Arrays.stream(batchCounts).max().orElse(total),
                        "its statements changed up to ",
                        " rows each")
                : share(changed.losses(tables), total, "it changed ", " rows");
    }

    /**
     * Whether it is a batch of statements none of which passes the limit, and which together changed what they say: where
     * they may insert, with what was inserted, which could else make up in the sum for what a cascade changed.
     */
    private boolean isManySmallWrites(long[] counts, ChangedRows changed) {
        long told = changed.total() + (countsNothingElse() ? 0 : changed.inserted());
        return counts.length > 0
                && Arrays.stream(counts).allMatch(count -> count >= 0 && count <= rules.maxWriteRows())
                && Arrays.stream(counts).sum() == told;
    }

    /** Else inserted rows could make up in the sum for what a cascade or a trigger changed. */
    private boolean countsNothingElse() {
        return assessment.statements().stream().allMatch(statement -> COUNTED.contains(statement.tag()));
    }

    /** @param most how many rows of one table are judged at most: those of the largest statement */
    private Optional<String> share(List<ChangedRows.Loss> losses, long most, String before, String after)
            throws SQLException {
        for (ChangedRows.Loss each : namedFirst(losses)) {
            long judged = Math.min(each.rows().changed(), most);
            if (judged > 1
                    && (sizes.isMoreThan(
                                    rules.maxWritePercent(),
                                    each.oid(),
                                    judged,
                                    each.rows().deleted(),
                                    each.rows().inserted(),
                                    Optional.empty())
                            || takesWhatWasThere(each, judged))) {
                return Optional.of(before + judged + after + ", more than " + rules.maxWritePercent() + " percent of "
                        + each.name());
            }
        }
        return Optional.empty();
    }

    /**
     * Whether it may have taken too large a share of the rows that the table had when the transaction began. Rows that the
     * transaction has inserted itself are no loss: where there were none before, or one, it may do with the others as it
     * likes within the share of all.
     */
    private boolean takesWhatWasThere(ChangedRows.Loss loss, long judged) throws SQLException {
        RowCounts before = earlier.get(loss.oid());
        if (before == null || rules.maxWritePercent() == 100) {
            return false;
        }
        RowCounts all = loss.rows().plus(before);
        long enough = judged * 100 / rules.maxWritePercent() + 1;
        long size =
                sizes.before(loss.oid(), enough, all.deleted(), all.inserted()).orElse(0L);
        long taken = Math.min(judged, size);
        return taken > 1 && taken * 100 > size * rules.maxWritePercent();
    }

    /** What the text names stands before what it reaches. Temporary tables that it does not name are nobody's loss. */
    private List<ChangedRows.Loss> namedFirst(List<ChangedRows.Loss> losses) {
        Set<String> named = assessment.tables().stream().map(RelationName::name).collect(Collectors.toSet());
        return losses.stream()
                .filter(loss -> named.contains(loss.name()) || !loss.isTemporary())
                .sorted(Comparator.comparing((ChangedRows.Loss loss) -> !named.contains(loss.name()))
                        .thenComparing(ChangedRows.Loss::name))
                .toList();
    }
}
