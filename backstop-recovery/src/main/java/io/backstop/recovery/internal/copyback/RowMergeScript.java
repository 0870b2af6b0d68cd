package io.backstop.recovery.internal.copyback;

import io.backstop.api.analysis.Destruction;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.SnapshotManifest.Coverage;
import io.backstop.recovery.internal.copyback.PresentTable.KeyColumn;
import io.backstop.recovery.internal.copyback.PresentTable.Switch;
import io.backstop.recovery.internal.schema.SequencePosition;
import io.backstop.recovery.internal.select.LaterStatements;
import io.backstop.recovery.internal.sql.RecoveryTransaction;
import io.backstop.recovery.internal.text.SqlFragments;
import io.backstop.recovery.internal.text.SqlScript;
import io.backstop.recovery.model.ConflictMode;
import io.backstop.recovery.model.CopybackCounts;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.recovery.model.RestoredTable;
import io.backstop.snapshot.schema.DependentKind;
import io.backstop.snapshot.schema.TableDescription;
import io.backstop.snapshot.schema.TableDescription.ConstraintKind;
import io.backstop.snapshot.schema.TableDescription.Generated;
import io.backstop.snapshot.schema.TableDescription.Sequence;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Writes the statements that put a restored table's rows back into the table that is still there. Thread-confined. */
public final class RowMergeScript {
    private static final Set<String> COUNTED = Set.of("smallint", "integer", "bigint", "numeric");

    /** Whether another table's rows go, or change, with rows that are deleted. */
    private static final String TAKES_ALONG = "EXISTS (SELECT FROM pg_constraint WHERE contype = 'f' "
            + "AND confrelid = to_regclass(?) AND confdeltype NOT IN ('a', 'r'))";

    private static final String LEAVES = "SELECT n.nspname, c.relname FROM pg_partition_tree(?::oid) t "
            + "JOIN pg_class c ON c.oid = t.relid JOIN pg_namespace n ON n.oid = c.relnamespace "
            + "WHERE t.isleaf AND c.relkind = 'r'";

    private final RestoredTable restored;
    private final PresentTable present;
    private final boolean madeAgain;
    private final LaterStatements later;
    private final ConflictMode differing;
    private final StatementTransactions known;
    private final List<KeyColumn> key;
    private Optional<FoundRows> found;
    private final Optional<KeylessRows> keyless;
    private final List<String> updated;
    private final SuspendedUniqueConstraints unique;

    /** Reads how many rows there are of each kind. */
    RowMergeScript(RecoveryTransaction transaction, PlannedTable table, ConflictMode differing)
            throws SQLException, RecoveryException {
        this.restored = table.restored();
        this.present = table.present().orElseThrow();
        this.madeAgain = table.isMadeAgain();
        this.later = table.later();
        this.differing = differing;
        this.known = StatementTransactions.of(restored);
        this.key = key(transaction);
        this.found = key.isEmpty() || (restored.manifest().rowCount() == 0 && !isPartition())
                ? Optional.empty()
                : Optional.of(found(transaction));
        this.keyless = restored.manifest().rowCount() == 0 || !key.isEmpty()
                ? Optional.empty()
                : Optional.of(KeylessRows.of(transaction, restored, present, columns()));
        List<String> differ = found.filter(rows -> rows.differing().count() > 0).isPresent()
                ? differingColumns(transaction)
                : List.of();
        this.updated = columns().stream()
                .filter(column -> differ.contains(column) || !(keyColumns().contains(column) || isAlwaysGiven(column)))
                .toList();
        this.unique = putsValuesBack()
                ? SuspendedUniqueConstraints.of(
                        transaction,
                        present,
                        differ.stream()
                                .filter(column -> !keyColumns().contains(column))
                                .toList())
                : SuspendedUniqueConstraints.NONE;
    }

    private boolean putsValuesBack() {
        return found.filter(FoundRows::putsValuesBack).isPresent();
    }

    /** Keeps others from writing and the table's own triggers and rules from changing what is put back. */
    void prepare(SqlScript script) {
        boolean changed = putsValuesBack() && !alwaysGiven().isEmpty();
        script.run("LOCK TABLE ONLY " + table() + " IN " + (changed ? "ACCESS" : "SHARE ROW") + " EXCLUSIVE MODE");
        if (!switches().isEmpty()) {
            script.note("rows come back as they were stored: triggers and rules on " + present.name()
                    + " are off meanwhile");
            switches().forEach(s -> script.run(alter() + s.off()));
        }
        if (!unique.off().isEmpty()) {
            script.note(
                    "unique values that moved from row to row meet on their way back: what keeps them apart is made\n"
                            + "again when all of them are back");
            unique.off().forEach(script::run);
        }
    }

    /** The rows. */
    void rows(SqlScript script) {
        script.part(present.name() + " is still there: stored rows that it lacks are put back");
        if (restored.manifest().rowCount() == 0
                && found.filter(FoundRows::replaces).isEmpty()) {
            script.note("the snapshot holds no rows: nothing to put back");
        } else {
            keyless.ifPresent(rows -> rows.putBack(script, insert()));
            found.ifPresent(rows -> withKey(script, rows));
        }
    }

    /** New rows get numbers beyond those of all rows that are there now. */
    void sequences(SqlScript script) {
        for (Sequence sequence : present.description().sequences()) {
            List<String> stored = restored.description().sequences().stream()
                    .filter(s -> s.column().equals(sequence.column()) && s.called())
                    .filter(s -> s.lastValue() >= sequence.minimum() && s.lastValue() <= sequence.maximum())
                    .map(s -> Long.toString(s.lastValue()))
                    .toList();
            advance(script, sequence, stored, present.description(), present.name());
        }
    }

    void finish(SqlScript script) {
        if (!unique.on().isEmpty()) {
            script.note("what keeps unique values of " + present.name() + " apart, as it was");
            unique.on().forEach(script::run);
        }
        if (!switches().isEmpty()) {
            script.note("triggers and rules on " + present.name() + " as they were");
            switches().forEach(s -> script.run(alter() + s.on()));
        }
    }

    private FoundRows found(RecoveryTransaction transaction) throws SQLException {
        // Of the stored table nothing is left: what is there under its keys was written since, whatever the statement
        // did.
        StatementEffect effect = madeAgain ? StatementEffect.REMOVED : StatementEffect.of(restored);
        FoundRows.Statement statement = new FoundRows.Statement(
                effect,
                known,
                mayChangeKeys(),
                known.alone() && !transaction.holds(TAKES_ALONG, table()),
                later,
                isPartition(),
                madeAgain);
        return new FoundRows(
                statement,
                differing,
                restored.manifest().rowCount(),
                number(transaction, "SELECT count(*) FROM ONLY " + recovered() + " AS saved WHERE " + isMissing()),
                DifferingRows.of(transaction, effect, known.and(later), differingRows()),
                number(
                        transaction,
                        "SELECT count(*) FROM ONLY " + table() + " AS present WHERE NOT EXISTS (SELECT FROM ONLY "
                                + recovered() + " AS saved WHERE " + sameKey() + ")"),
                effect == StatementEffect.REMOVED ? 0 : number(transaction, "SELECT count(*)" + movedRows()),
                false);
    }

    /** Of single rows, those beside them are no sign of it, unless the statement is known to have made them. */
    private boolean mayChangeKeys() {
        return restored.manifest()
                        .operation()
                        .filter(Destruction.Kind.DELETE::equals)
                        .isEmpty()
                && (restored.manifest().coverage() == Coverage.TABLE || known.areAllKnown());
    }

    /** Rows that are not stored and that the statement made: stored ones under another key, if it made no new ones. */
    private String movedRows() {
        return " FROM ONLY " + table() + " AS present WHERE " + known.made() + " AND NOT EXISTS (SELECT FROM ONLY "
                + recovered() + " AS saved WHERE " + sameKey() + ")";
    }

    private static long number(RecoveryTransaction transaction, String query) throws SQLException {
        return Long.parseLong(transaction.strings(query).get(0));
    }

    private List<String> differingColumns(RecoveryTransaction transaction) throws SQLException {
        String each = columns().stream()
                .map(c -> "coalesce(bool_or(" + differs(List.of(c)) + "), false)")
                .collect(Collectors.joining(", "));
        List<String> differ =
                transaction.rows("SELECT " + each + differingRows()).get(0);
        return IntStream.range(0, differ.size())
                .filter(i -> differ.get(i).equals("t"))
                .mapToObj(i -> columns().get(i))
                .toList();
    }

    private String differingRows() {
        return " FROM ONLY " + table() + " AS present JOIN ONLY " + recovered() + " AS saved ON " + sameKey() + " AND "
                + differs(columns());
    }

    private void withKey(SqlScript script, FoundRows rows) {
        script.note("when this was written: " + rows.missing() + " stored rows missing, "
                + rows.differing().count() + " there with other values, " + rows.extra()
                + " there that are not in the snapshot (not touched)");
        if (rows.replaces()) {
            script.note(
                    "the UPDATE gave " + rows.moved() + " stored rows other keys: those make way for the stored ones");
            script.run("DELETE" + movedRows());
        }
        if (!rows.leavesOut()) {
            rows.whyDoubled()
                    .ifPresent(why -> script.note(why
                            + ":\nif keys were changed, some of those are stored rows, which are there twice then"));
            script.run(insert() + " AS saved WHERE " + isMissing());
        } else if (rows.missing() > 0) {
            script.note(rows.missing() + " stored rows are not put back: " + rows.whyLeftOut() + ".");
            if (rows.moved() > 0) {
                script.note("To remove what the UPDATE made under other keys, uncomment this statement:");
                script.commentOut("DELETE" + movedRows());
            }
            script.note("To put them back as well, uncomment this statement:");
            script.commentOut(insert() + " AS saved WHERE " + isMissing());
        }
        if (!updated.isEmpty()) {
            differing(script, rows);
        }
    }

    private boolean isPartition() {
        return restored.description().dependents().stream()
                .anyMatch(dependent -> dependent.kind() == DependentKind.PARTITION_OF);
    }

    private void differing(SqlScript script, FoundRows rows) {
        boolean all = differing == ConflictMode.PUT_BACK;
        if (all || rows.putsValuesBack()) {
            script.part("rows of " + present.name() + " that are there with other values get the stored ones;\n"
                    + "leave this statement out to keep what is there now");
            rows.whyUncertain().ifPresent(script::note);
            alwaysGiven().forEach(column -> script.run(generated(column, "BY DEFAULT")));
            script.run(all ? update() : update() + "\nAND " + rows.differing().isAsLeft());
            if (!all) {
                kept(script, rows);
            }
            alwaysGiven().forEach(column -> script.run(generated(column, "ALWAYS")));
        } else {
            script.part("rows of " + present.name() + " that are there with other values stay as they are;\n"
                    + "they may have changed rightly. To put the stored values back, uncomment "
                    + (alwaysGiven().isEmpty() ? "this statement:" : "these statements:"));
            alwaysGiven().forEach(column -> script.commentOut(generated(column, "BY DEFAULT")));
            script.commentOut(update());
            alwaysGiven().forEach(column -> script.commentOut(generated(column, "ALWAYS")));
        }
    }

    /** What changed since the statement has not been destroyed by it. */
    private void kept(SqlScript script, FoundRows rows) {
        if (rows.differing().since() > 0) {
            String since = "\nAND NOT " + rows.differing().isAsLeft();
            script.note(rows.differing().since() + " rows of " + present.name() + " " + rows.whyKept()
                    + " and stay as they are now. This lists them:");
            script.commentOut("SELECT " + SqlFragments.list("present.", keyColumns()) + differingRows() + since);
            script.note("to put the stored values back in these, too, uncomment this statement:");
            script.commentOut(update() + since);
        }
    }

    private List<String> keyColumns() {
        return key.stream().map(KeyColumn::column).toList();
    }

    /** What an operator should know of rows that are not put back: one sentence each. */
    List<String> warnings() {
        return found.map(rows -> rows.warnings(present.name().toString()))
                .or(() -> keyless.map(KeylessRows::warnings))
                .orElse(List.of());
    }

    /** What becomes of the stored rows. */
    CopybackCounts counts() {
        return found.map(FoundRows::counts)
                .or(() -> keyless.map(KeylessRows::counts))
                .orElseGet(() -> CopybackCounts.untouched(restored.manifest().rowCount()));
    }

    private String insert() {
        String overriding = present.hasIdentity() ? " OVERRIDING SYSTEM VALUE" : "";
        // A table may have no columns, and a list of none is no list.
        String list = columns().isEmpty() ? "" : " (" + SqlFragments.list(columns()) + ")";
        return "INSERT INTO " + table() + list + overriding + "\nSELECT " + SqlFragments.list(columns()) + " FROM ONLY "
                + recovered();
    }

    private String update() {
        return "UPDATE ONLY " + table() + " AS present SET "
                + updated.stream()
                        .map(c -> RelationName.quote(c) + " = saved." + RelationName.quote(c))
                        .collect(Collectors.joining(", "))
                + "\nFROM ONLY " + recovered() + " AS saved\nWHERE " + sameKey() + "\nAND " + differs(columns());
    }

    private String isMissing() {
        return "NOT EXISTS (SELECT FROM ONLY " + table() + " AS present WHERE " + sameKey() + ")";
    }

    private String sameKey() {
        return key.stream().map(k -> k.equal("present", "saved")).collect(Collectors.joining(" AND "));
    }

    /** As text, because not every type can be compared, and equal values need not be the same ones. */
    private static String differs(List<String> columns) {
        return "ROW(" + SqlFragments.list("present.", columns) + ")::text IS DISTINCT FROM ROW("
                + SqlFragments.list("saved.", columns) + ")::text";
    }

    private List<String> columns() {
        return restored.manifest().columns().stream().map(c -> c.name()).toList();
    }

    /** Columns that rows differ in and that an UPDATE may only set while they are generated by default. */
    private List<String> alwaysGiven() {
        return updated.stream().filter(this::isAlwaysGiven).toList();
    }

    private boolean isAlwaysGiven(String column) {
        return present.description().columns().stream()
                .anyMatch(c -> c.name().equals(column) && c.generated() == Generated.IDENTITY_ALWAYS);
    }

    private String generated(String column, String when) {
        return "ALTER TABLE " + table() + " ALTER COLUMN " + RelationName.quote(column) + " SET GENERATED " + when;
    }

    /**
     * The stored primary key, though the table has it no more, if it still tells its rows apart: the present key's columns may
     * be what the statement changed. Else the present key, if the stored rows have its columns.
     */
    private List<KeyColumn> key(RecoveryTransaction transaction) throws SQLException {
        boolean hadPrimaryKey = restored.description().constraints().stream()
                .anyMatch(constraint -> constraint.kind() == ConstraintKind.PRIMARY_KEY);
        if (hadPrimaryKey) {
            List<KeyColumn> stored = PresentTable.key(transaction, restored.target());
            if (!stored.isEmpty() && !stored.equals(present.key()) && tellsApart(transaction, stored)) {
                return stored;
            }
        }
        boolean isStored = present.key().stream().allMatch(k -> columns().contains(k.column()));
        return isStored ? present.key() : List.of();
    }

    private boolean tellsApart(RecoveryTransaction transaction, List<KeyColumn> stored) throws SQLException {
        String list = SqlFragments.list(stored.stream().map(KeyColumn::column).toList());
        return transaction.holds("NOT EXISTS (SELECT FROM ONLY " + table() + " GROUP BY " + list
                + " HAVING count(*) > 1 OR num_nulls(" + list + ") > 0)");
    }

    /** The partitioned table at the top, where it is a partition. */
    Optional<String> partitionRoot(RecoveryTransaction transaction) throws SQLException {
        return isPartition()
                ? Optional.of(transaction
                        .strings("SELECT pg_partition_root(to_regclass(?))::oid::text", table())
                        .get(0))
                : Optional.empty();
    }

    /**
     * Decides for the partitions of one tree whether an UPDATE moved the rows that some of them lack to others of them.
     *
     * @param root the {@code oid} of the table at the top
     */
    static void acrossPartitions(RecoveryTransaction transaction, String root, List<RowMergeScript> partitions)
            throws SQLException {
        List<FoundRows> found =
                partitions.stream().flatMap(rows -> rows.found.stream()).toList();
        long missing = found.stream().mapToLong(FoundRows::missing).sum();
        long moved = found.stream().mapToLong(FoundRows::moved).sum();
        if (missing == 0 || missing != moved) {
            return;
        }
        String made = partitions.get(0).known.made();
        List<String> planned = partitions.stream()
                .filter(rows -> rows.found.isPresent())
                .map(RowMergeScript::table)
                .toList();
        for (List<String> leaf : transaction.rows(LEAVES, root)) {
            String table = RelationName.of(leaf.get(0), leaf.get(1)).quoted();
            if (!planned.contains(table)
                    && transaction.holds("EXISTS (SELECT FROM ONLY " + table + " AS present WHERE " + made + ")")) {
                return; // which of these were there before is stored elsewhere
            }
        }
        partitions.forEach(rows -> rows.found = rows.found.map(FoundRows::andInOtherPartitions));
    }

    /**
     * @param others numbers, as SQL, beyond which it goes on too
     * @param table of the column
     */
    static void advance(
            SqlScript script, Sequence sequence, List<String> others, TableDescription table, RelationName tableName) {
        List<String> numbers = new ArrayList<>(others);
        if (isCounted(table, sequence)) {
            numbers.add(SequencePosition.furthestIn(tableName, sequence.column(), sequence));
        }
        if (!numbers.isEmpty()) {
            script.note("new rows of " + tableName + " go on after the highest " + sequence.column());
            SequencePosition.goOnAfter(script, sequence, numbers);
        }
    }

    private static boolean isCounted(TableDescription table, Sequence sequence) {
        return table.columns().stream()
                .anyMatch(c -> c.name().equals(sequence.column())
                        && COUNTED.contains(c.type().replaceFirst("\\(.*", "")));
    }

    private List<Switch> switches() {
        return Stream.concat(present.triggers().stream(), present.rules().stream())
                .toList();
    }

    private String alter() {
        return "ALTER TABLE ONLY " + table();
    }

    /** The table that they go back to, as SQL. */
    String table() {
        return present.name().quoted();
    }

    private String recovered() {
        return restored.target().quoted();
    }
}
