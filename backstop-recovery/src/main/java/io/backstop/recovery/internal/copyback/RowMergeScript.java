package io.backstop.recovery.internal.copyback;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.internal.postgres.SqlSpelling;
import io.backstop.api.snapshot.SnapshotManifest.Coverage;
import io.backstop.recovery.internal.copyback.PresentTable.KeyColumn;
import io.backstop.recovery.internal.copyback.PresentTable.Switch;
import io.backstop.recovery.internal.sql.RecoveryTransaction;
import io.backstop.recovery.internal.text.SqlFragments;
import io.backstop.recovery.internal.text.SqlScript;
import io.backstop.recovery.model.ConflictMode;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.recovery.model.RestoredTable;
import io.backstop.snapshot.schema.DependentKind;
import io.backstop.snapshot.schema.TableDescription.Column;
import io.backstop.snapshot.schema.TableDescription.Generated;
import io.backstop.snapshot.schema.TableDescription.Sequence;

import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Writes the statements that put a restored table's rows back into the table that is still there. Thread-confined. */
public final class RowMergeScript {
    private static final Set<String> COUNTED = Set.of("smallint", "integer", "bigint", "numeric");

    private final RestoredTable restored;
    private final PresentTable present;
    private final ConflictMode differing;
    private final Found found;
    private final Optional<KeylessRows> keyless;
    private final SuspendedUniqueConstraints unique;

    /** Reads how many rows there are of each kind. */
    RowMergeScript(
            RecoveryTransaction transaction, RestoredTable restored, PresentTable present, ConflictMode differing)
            throws SQLException, RecoveryException {
        this.restored = restored;
        this.present = present;
        this.differing = differing;
        this.found = restored.manifest().rowCount() == 0 || key().isEmpty() ? Found.NOTHING : found(transaction);
        this.keyless = restored.manifest().rowCount() == 0 || !key().isEmpty()
                ? Optional.empty()
                : Optional.of(KeylessRows.of(transaction, restored, present, columns()));
        this.unique = putsValuesBack()
                ? SuspendedUniqueConstraints.of(transaction, present, differingColumns(transaction))
                : SuspendedUniqueConstraints.NONE;
    }

    /** Keeps others from writing and the table's own triggers and rules from changing what is put back. */
    void prepare(SqlScript script) {
        script.run("LOCK TABLE ONLY " + table() + " IN SHARE ROW EXCLUSIVE MODE");
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
        if (restored.manifest().rowCount() == 0) {
            script.note("the snapshot holds no rows: nothing to put back");
        } else {
            keyless.ifPresentOrElse(rows -> rows.putBack(script, insert()), () -> withKey(script));
        }
    }

    /** New rows get numbers beyond those of all rows that are there now. */
    void sequences(SqlScript script) {
        for (Sequence sequence : present.description().sequences()) {
            script.note("new rows of " + present.name() + " go on after the highest " + sequence.column());
            advance(script, sequence);
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

    private Found found(RecoveryTransaction transaction) throws SQLException {
        return new Found(
                number(transaction, "SELECT count(*) FROM ONLY " + recovered() + " AS saved WHERE " + isMissing()),
                compared().isEmpty() ? DifferingRows.NONE : DifferingRows.of(transaction, restored, differingRows()),
                number(
                        transaction,
                        "SELECT count(*) FROM ONLY " + table() + " AS present WHERE NOT EXISTS (SELECT FROM ONLY "
                                + recovered() + " AS saved WHERE " + sameKey() + ")"),
                moved(transaction));
    }

    /** How many rows that are not stored the statement made: stored ones under another key. */
    private long moved(RecoveryTransaction transaction) throws SQLException {
        Optional<String> own = DifferingRows.own(restored.manifest());
        return own.isEmpty()
                ? 0
                : number(
                        transaction,
                        "SELECT count(*) FROM ONLY " + table() + " AS present WHERE present.xmin = '" + own.get()
                                + "' AND NOT EXISTS (SELECT FROM ONLY " + recovered() + " AS saved WHERE " + sameKey()
                                + ")");
    }

    private static long number(RecoveryTransaction transaction, String query) throws SQLException {
        return Long.parseLong(transaction.strings(query).get(0));
    }

    private List<String> differingColumns(RecoveryTransaction transaction) throws SQLException {
        String each = compared().stream()
                .map(c -> "coalesce(bool_or(" + differs(List.of(c)) + "), false)")
                .collect(Collectors.joining(", "));
        List<String> differ =
                transaction.rows("SELECT " + each + differingRows()).get(0);
        return IntStream.range(0, differ.size())
                .filter(i -> differ.get(i).equals("t"))
                .mapToObj(i -> compared().get(i))
                .toList();
    }

    private String differingRows() {
        return " FROM ONLY " + table() + " AS present JOIN ONLY " + recovered() + " AS saved ON " + sameKey() + " AND "
                + differs(compared());
    }

    private void withKey(SqlScript script) {
        script.note("when this was written: " + found.missing() + " stored rows missing, "
                + found.differing().count() + " there with other values, " + found.extra()
                + " there that are not in the snapshot (not touched)");
        if (wereRemovedSince()) {
            script.note(
                    "the statement was an UPDATE, which left every row there under its key: those that are missing were\n"
                            + "removed since. To put them back as well, uncomment this statement:");
            script.commentOut(insert() + " AS saved WHERE " + isMissing());
        } else {
            if (found.missing() > 0 && found.extra() > 0) {
                script.note(
                        "if an UPDATE changed keys, rows that are not in the snapshot are stored ones under new keys:\n"
                                + "remove those first, or they are there twice");
            } else if (found.missing() > 0 && isPartOfStatement()) {
                script.note(
                        "if an UPDATE moved rows to another partition, remove them there first, or they are there twice");
            }
            script.run(insert() + " AS saved WHERE " + isMissing());
        }
        if (!compared().isEmpty()) {
            differing(script);
        }
    }

    /** Whether the statement left each stored row where it was, so that those that are not there have gone since. */
    private boolean wereRemovedSince() {
        return StatementEffect.of(restored) == StatementEffect.CHANGED
                && restored.manifest().rowsTransactionId().isPresent()
                && found.missing() > 0
                && found.moved() == 0
                && differing == ConflictMode.AS_FOUND
                && restored.description().dependents().stream()
                        .noneMatch(dependent -> dependent.kind() == DependentKind.PARTITION_OF);
    }

    /** Rows that one statement took out of a partition may be in another one now. */
    private boolean isPartOfStatement() {
        return restored.manifest().coverage() == Coverage.ROWS
                && restored.description().dependents().stream()
                        .anyMatch(dependent -> dependent.kind() == DependentKind.PARTITION_OF);
    }

    private boolean putsValuesBack() {
        return switch (differing) {
            case PUT_BACK -> found.differing().count() > 0;
            case LEAVE -> false;
            case AS_FOUND ->
                found.differing().asLeft() > 0
                        && (found.missing() == 0 || StatementEffect.of(restored) == StatementEffect.CHANGED);
        };
    }

    private void differing(SqlScript script) {
        boolean all = differing == ConflictMode.PUT_BACK;
        if (all || putsValuesBack()) {
            script.part("rows of " + present.name() + " that are there with other values get the stored ones;\n"
                    + "leave this statement out to keep what is there now");
            script.run(all ? update() : update() + "\nAND " + found.differing().isAsLeft());
            if (!all) {
                kept(script);
            }
        } else {
            script.part("rows of " + present.name() + " that are there with other values stay as they are;\n"
                    + "they may have changed rightly. To put the stored values back, uncomment this statement:");
            script.commentOut(update());
        }
    }

    /** What changed since the statement has not been destroyed by it. */
    private void kept(SqlScript script) {
        if (found.differing().since() > 0) {
            String since = "\nAND NOT " + found.differing().isAsLeft();
            script.note(found.differing().since() + " rows of " + present.name()
                    + " have been changed again since, and stay as they are now. This lists them:");
            script.commentOut("SELECT " + SqlFragments.list("present.", keyColumns()) + differingRows() + since);
            script.note("to put the stored values back in these, too, uncomment this statement:");
            script.commentOut(update() + since);
        }
    }

    private List<String> keyColumns() {
        return key().stream().map(KeyColumn::column).toList();
    }

    /** What an operator should know of rows that are not put back: one sentence each. */
    List<String> warnings() {
        long kept = differing == ConflictMode.AS_FOUND && putsValuesBack()
                ? found.differing().since()
                : 0;
        return kept == 0
                ? List.of()
                : List.of(
                        kept + " rows of table " + present.name()
                                + " have been changed again since the statement and stay as they are now; the script lists them");
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
                + compared().stream()
                        .map(c -> RelationName.quote(c) + " = saved." + RelationName.quote(c))
                        .collect(Collectors.joining(", "))
                + "\nFROM ONLY " + recovered() + " AS saved\nWHERE " + sameKey() + "\nAND " + differs(compared());
    }

    private String isMissing() {
        return "NOT EXISTS (SELECT FROM ONLY " + table() + " AS present WHERE " + sameKey() + ")";
    }

    private String sameKey() {
        return key().stream().map(k -> k.equal("present", "saved")).collect(Collectors.joining(" AND "));
    }

    /** As text, because not every type can be compared, and equal values need not be the same ones. */
    private static String differs(List<String> columns) {
        return "ROW(" + SqlFragments.list("present.", columns) + ")::text IS DISTINCT FROM ROW("
                + SqlFragments.list("saved.", columns) + ")::text";
    }

    private List<String> columns() {
        return restored.manifest().columns().stream().map(c -> c.name()).toList();
    }

    /** What UPDATE may set: not the key, and not what the server insists on giving itself. */
    private List<String> compared() {
        Set<String> fixed = Stream.concat(
                        key().stream().map(KeyColumn::column),
                        present.description().columns().stream()
                                .filter(c -> c.generated() == Generated.IDENTITY_ALWAYS)
                                .map(Column::name))
                .collect(Collectors.toSet());
        return columns().stream().filter(c -> !fixed.contains(c)).toList();
    }

    /** The present key, if the stored rows have its columns. */
    private List<KeyColumn> key() {
        boolean stored = present.key().stream().allMatch(k -> columns().contains(k.column()));
        return stored ? present.key() : List.of();
    }

    /** What a sequence is set to stays when a transaction is rolled back. */
    private void advance(SqlScript script, Sequence sequence) {
        String name = RelationName.of(sequence.schema(), sequence.name()).quoted();
        boolean rising = sequence.increment() > 0;
        String stored = restored.description().sequences().stream()
                .filter(s -> s.column().equals(sequence.column()) && s.called())
                .filter(s -> s.lastValue() >= sequence.minimum() && s.lastValue() <= sequence.maximum())
                .map(s -> ", " + s.lastValue())
                .findFirst()
                .orElse("");
        String highest = isCounted(sequence)
                ? ", (SELECT " + (rising ? "max" : "min") + "(" + RelationName.quote(sequence.column())
                        + ")::bigint FROM "
                        + table() + " WHERE " + RelationName.quote(sequence.column()) + " BETWEEN " + sequence.minimum()
                        + " AND " + sequence.maximum() + ")"
                : "";
        String reached = " FROM (SELECT " + (rising ? "greatest" : "least") + "(CASE WHEN is_called THEN last_value END"
                + stored + highest + ") AS reached FROM " + name + ") AS numbers WHERE reached IS NOT NULL";
        script.run("SELECT setval(" + SqlSpelling.literal(name) + ", reached)" + reached, "SELECT reached" + reached);
    }

    private boolean isCounted(Sequence sequence) {
        return present.description().columns().stream()
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

    /**
     * The rows that were found.
     *
     * @param missing how many stored ones are not there
     * @param differing stored ones that are there with other values
     * @param extra how many others are there
     * @param moved how many of these the statement made
     */
    private record Found(long missing, DifferingRows differing, long extra, long moved) {
        static final Found NOTHING = new Found(0, DifferingRows.NONE, 0, 0);
    }
}
