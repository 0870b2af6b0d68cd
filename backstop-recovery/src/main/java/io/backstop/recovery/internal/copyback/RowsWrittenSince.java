package io.backstop.recovery.internal.copyback;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.internal.postgres.SqlSpelling;
import io.backstop.recovery.internal.copyback.PresentTable.KeyColumn;
import io.backstop.recovery.internal.schema.SequencePosition;
import io.backstop.recovery.internal.sql.RecoveryTransaction;
import io.backstop.recovery.internal.sql.ServerErrors;
import io.backstop.recovery.internal.text.SqlFragments;
import io.backstop.recovery.internal.text.SqlScript;
import io.backstop.recovery.model.ConflictMode;
import io.backstop.recovery.model.CopybackCounts;
import io.backstop.recovery.model.OpenForeignKey;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.recovery.model.RestoredNames;
import io.backstop.recovery.model.RestoredTable;
import io.backstop.snapshot.schema.TableDescription;
import io.backstop.snapshot.schema.TableDescription.Column;
import io.backstop.snapshot.schema.TableDescription.Constraint;
import io.backstop.snapshot.schema.TableDescription.Sequence;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Writes the statements that merge the rows of a present table, once it is set aside, into the restored one that has its
 * place: rows that are not stored are inserted; of two rows of one key, that of the present table stays, for it was written
 * since. Immutable.
 *
 * @param columns the columns that both have
 * @param key those of them that tell which rows are the same; empty where rows are compared by all of their values
 * @param kept columns of stored rows that stay as stored, for they were converted with the rows in them
 * @param carried what else the present table has
 * @param counts what becomes of the stored rows
 * @param extra how many rows are not stored; none where that is not known beforehand
 */
record RowsWrittenSince(
        RestoredTable restored,
        PresentTable present,
        ConflictMode differing,
        List<MergedColumn> columns,
        List<KeyColumn> key,
        List<MergedColumn> kept,
        CarriedParts carried,
        CopybackCounts counts,
        Optional<Long> extra) {

    /**
     * Reads how many rows there are of each kind.
     *
     * @param same whether the present table is the stored one, with other columns
     * @throws RecoveryException where rows of the present table do not fit into the restored one, which it names
     */
    static RowsWrittenSince of(
            RecoveryTransaction transaction,
            RestoredTable restored,
            PresentTable present,
            boolean same,
            ConflictMode differing)
            throws SQLException, RecoveryException {
        List<MergedColumn> columns = MergedColumn.common(transaction, restored.description(), present.description());
        if (columns.isEmpty()) {
            throw new RecoveryException(
                    "table " + present.name() + " has no column of the stored one, so that its rows cannot be merged",
                    "rename it, and ask for the copyback again: the stored one takes the free name then");
        }
        List<KeyColumn> key = PresentTable.key(transaction, restored.target());
        boolean hasKey = key.stream()
                .allMatch(k -> columns.stream().anyMatch(c -> c.name().equals(k.column())));
        RowsWrittenSince rows = new RowsWrittenSince(
                restored,
                present,
                differing,
                columns,
                hasKey ? key : List.of(),
                same ? columns.stream().filter(MergedColumn::isConverted).toList() : List.of(),
                CarriedParts.of(transaction, restored, present.description()),
                CopybackCounts.all(restored.manifest().rowCount()),
                Optional.empty());
        rows.refuseWhatDoesNotFit(transaction);
        return rows.counted(transaction);
    }

    private void refuseWhatDoesNotFit(RecoveryTransaction transaction) throws SQLException, RecoveryException {
        for (String check : checks(from(present.name()), true)) {
            try {
                transaction.attempt(check);
            } catch (SQLException e) {
                if (!ServerErrors.state(e).equals("23000")) {
                    throw e;
                }
                throw ServerErrors.of(
                        "table " + present.name() + " cannot be replaced",
                        e,
                        "change these rows and run it again, or leave --present replace out; " + restored.target()
                                + " is kept");
            }
        }
    }

    /** The copies of partitions are not attached yet, so that nothing can be counted in that of their table. */
    private RowsWrittenSince counted(RecoveryTransaction transaction) throws SQLException {
        if (restored.description().partitionKey().isPresent()) {
            return this;
        }
        String saved = "ONLY " + restored.target().quoted();
        String since = rows(from(present.name()));
        long stored = restored.manifest().rowCount();
        if (key.isEmpty()) {
            List<String> found = transaction
                    .rows("SELECT coalesce(sum(greatest(s.number - coalesce(p.number, 0), 0)), 0), "
                            + "coalesce(sum(greatest(p.number - coalesce(s.number, 0), 0)), 0) FROM ("
                            + numbered("saved", saved + " AS saved") + ") AS s FULL JOIN (" + numbered("since", since)
                            + ") AS p ON p.values = s.values")
                    .get(0);
            return with(
                    new CopybackCounts(stored, Long.parseLong(found.get(0)), 0, 0, 0, 0), Long.parseLong(found.get(1)));
        }
        long missing = number(
                transaction,
                "SELECT count(*) FROM " + saved + " AS saved WHERE NOT EXISTS (SELECT FROM " + since + " WHERE "
                        + sameKey("since") + ")");
        long others = number(
                transaction,
                "SELECT count(*) FROM " + since + " JOIN " + saved + " AS saved ON " + sameKey("since") + " AND "
                        + differs(List.of()));
        boolean wins = differing == ConflictMode.PUT_BACK;
        return with(
                new CopybackCounts(stored, missing, wins ? others : 0, wins ? 0 : others, 0, 0),
                number(transaction, "SELECT count(*) FROM " + since + " WHERE " + isMissing(saved)));
    }

    private RowsWrittenSince with(CopybackCounts found, long others) {
        return new RowsWrittenSince(
                restored, present, differing, columns, key, kept, carried, found, Optional.of(others));
    }

    private static long number(RecoveryTransaction transaction, String query) throws SQLException {
        return Long.parseLong(transaction.strings(query).get(0));
    }

    private String numbered(String row, String from) {
        return "SELECT " + values(row) + " AS values, count(*) AS number FROM " + from + " GROUP BY 1";
    }

    /** As text, because not every type can be compared. */
    private String values(String row) {
        return "ROW(" + SqlFragments.list(row + ".", names(columns)) + ")::text COLLATE \"C\"";
    }

    /** The rows of its partitions are its own; those of children are not. */
    private String from(RelationName name) {
        return (present.description().partitionKey().isPresent() ? "" : "ONLY ") + name.quoted();
    }

    private String rows(String from) {
        return MergedColumn.rows(columns, from);
    }

    /** What would end the merge, or make it another one: values that do not fit, and rows of one key. */
    private List<String> checks(String from, boolean naming) {
        List<String> names = key.stream().map(KeyColumn::column).toList();
        String table = present.name().toString();
        Stream<String> lost = columns.stream()
                .map(c -> naming ? c.thoroughCheck(names, from, table) : c.check(from, table))
                .flatMap(Optional::stream);
        boolean unique = key.isEmpty()
                || (present.key().equals(key)
                        && columns.stream().noneMatch(c -> names.contains(c.name()) && c.isConverted()));
        return Stream.concat(lost, unique ? Stream.empty() : Stream.of(twice(names, from)))
                .toList();
    }

    private String twice(List<String> names, String from) {
        return "DO "
                + SqlFragments.dollarQuoted("""
                        DECLARE
                            named text;
                        BEGIN
                            SELECT string_agg(twice.words, ', ') INTO named FROM (SELECT min(%1$s) AS words FROM %2$s
                                GROUP BY %3$s HAVING count(*) > 1 AND num_nulls(%3$s) = 0 ORDER BY 1 LIMIT 10) AS twice;
                            IF named IS NOT NULL THEN
                                RAISE EXCEPTION '%%: %%', %4$s, named USING ERRCODE = '23000';
                            END IF;
                        END""".formatted(
                                MergedColumn.named(names, "since"),
                                rows(from),
                                SqlFragments.list("since.", names),
                                SqlSpelling.literal("several rows of table " + present.name()
                                        + " have one key of the stored table")));
    }

    /** Rows come by several statements, and may refer to each other. */
    void prepare(SqlScript script) {
        keysToItself()
                .forEach(key -> script.run(alter() + "ALTER CONSTRAINT " + key + " DEFERRABLE INITIALLY DEFERRED"));
        alwaysGiven().forEach(column -> script.run(generated(column, "BY DEFAULT")));
    }

    /** What needs the rows, and is not possible while something of them is left to be checked. */
    void finish(SqlScript script) {
        alwaysGiven().forEach(column -> script.run(generated(column, "ALWAYS")));
        keysToItself().forEach(key -> script.run(alter() + "ALTER CONSTRAINT " + key + " NOT DEFERRABLE"));
        carried.number(script);
        carried.attach(script);
    }

    private String alter() {
        return "ALTER TABLE " + restored.original().quoted() + " ";
    }

    private List<String> keysToItself() {
        List<String> leftOut = restored.openForeignKeys().stream()
                .filter(key -> key.state() == OpenForeignKey.State.LEFT_OUT)
                .map(OpenForeignKey::name)
                .toList();
        return restored.description().constraints().stream()
                .filter(c -> c.foreignKey()
                        .filter(key -> key.self() && !key.deferrable())
                        .isPresent())
                .map(Constraint::name)
                .filter(name -> !leftOut.contains(name))
                .map(RelationName::quote)
                .toList();
    }

    /** Columns that an UPDATE may only set while they are generated by default. */
    private List<MergedColumn> alwaysGiven() {
        return key.isEmpty()
                ? List.of()
                : columns.stream().filter(c -> c.always() && isUpdated(c)).toList();
    }

    /** Of a key, the values are the same; and one that is always given is kept as it is. */
    private boolean isUpdated(MergedColumn column) {
        return !kept.contains(column)
                && !(column.always() && key.stream().anyMatch(k -> k.column().equals(column.name())));
    }

    /**
     * @param aside the present table's names by now
     * @param into the table that the rows go to: the restored one, or the partitioned one that it is a part of
     */
    void merge(SqlScript script, RestoredNames aside, RestoredTable into) {
        String from = from(aside.target());
        String target = into.original().quoted();
        String saved = (into.description().partitionKey().isPresent() ? "" : "ONLY ") + target;
        script.part("the rows of " + aside.target() + " are merged into " + into.original());
        if (key.isEmpty()) {
            script.note(
                    "there is no key in both, so rows are compared by all values that both have, each as often as it is"
                            + " there");
        }
        checks(from, false).forEach(script::run);
        if (key.isEmpty()) {
            carry(script, from, saved);
        } else {
            update(script, from, saved);
        }
        insert(script, from, target, saved);
        for (Sequence sequence : restored.description().sequences()) {
            advance(script, sequence, aside);
        }
    }

    private void update(SqlScript script, String from, String saved) {
        if (differing == ConflictMode.PUT_BACK) {
            script.note("rows of a stored key get their stored values");
            update(script, from, saved, List.of());
        } else {
            script.note(
                    "rows of a stored key were written since, and keep the values that they have now; leave this out"
                            + " to put the\nstored values in their place");
            update(script, from, saved, columns.stream().filter(this::isUpdated).toList());
        }
    }

    /** @param winning the columns whose present values count */
    private void update(SqlScript script, String from, String saved, List<MergedColumn> winning) {
        List<String> names = Stream.concat(names(winning).stream(), carriedColumns().stream())
                .toList();
        if (names.isEmpty()) {
            return;
        }
        String rows = MergedColumn.rows(withCarried(), from);
        String where = sameKey("since") + " AND "
                + (winning.isEmpty() ? differing(carriedColumns()) : differs(carriedColumns()));
        String update = "UPDATE " + saved + " AS saved SET ";
        String whole = update + set(names, "since") + "\nFROM " + rows + "\nWHERE " + where;
        script.run(
                whole,
                tried(
                        whole,
                        "SELECT " + named() + " AS backstop_row, since.* FROM " + rows + " JOIN " + saved
                                + " AS saved ON " + where,
                        update + set(names, "item") + " WHERE " + sameKey("item")));
    }

    private static String set(List<String> names, String row) {
        return names.stream()
                .map(name -> RelationName.quote(name) + " = " + row + "." + RelationName.quote(name))
                .collect(Collectors.joining(", "));
    }

    private String generated(MergedColumn column, String when) {
        return alter() + "ALTER COLUMN " + RelationName.quote(column.name()) + " SET GENERATED " + when;
    }

    /** Each stored row that is there again gets the values of the columns that it has not. */
    private void carry(SqlScript script, String from, String saved) {
        if (!carriedColumns().isEmpty()) {
            script.run("UPDATE " + saved + " AS stored SET " + set(carriedColumns(), "since")
                    + "\nFROM (SELECT saved.tableoid AS part, saved.ctid AS place, " + values("saved")
                    + " AS values, row_number() OVER (PARTITION BY " + values("saved")
                    + ") AS number FROM " + saved + " AS saved) AS saved\nJOIN " + inTurn(from)
                    + " ON since.backstop_values = saved.values AND since.backstop_number = saved.number"
                    + "\nWHERE stored.tableoid = saved.part AND stored.ctid = saved.place");
        }
    }

    /** The present rows, each with a number among those of the same values, which is the same whenever it is asked for. */
    private String inTurn(String from) {
        return "(SELECT since.*, " + values("since") + " AS backstop_values, row_number() OVER (PARTITION BY "
                + values("since") + " ORDER BY ROW(" + SqlFragments.list("since.", carriedColumns())
                + ")::text COLLATE \"C\") AS backstop_number FROM " + MergedColumn.rows(withCarried(), from)
                + ") AS since";
    }

    private void insert(SqlScript script, String from, String target, String saved) {
        List<String> names = names(withCarried());
        String rows = MergedColumn.rows(withCarried(), from);
        String insert = "INSERT INTO " + target + " (" + SqlFragments.list(names) + ")"
                + (columns.stream().anyMatch(MergedColumn::always) ? " OVERRIDING SYSTEM VALUE" : "");
        String lacking = key.isEmpty()
                ? " FROM " + inTurn(from) + "\nLEFT JOIN (" + numbered("saved", saved + " AS saved")
                        + ") AS stored ON stored.values = since.backstop_values"
                        + "\nWHERE since.backstop_number > coalesce(stored.number, 0)"
                : " FROM " + rows + "\nWHERE " + isMissing(saved);
        String whole = insert + "\nSELECT " + SqlFragments.list("since.", names) + lacking;
        script.run(
                whole,
                tried(
                        whole,
                        "SELECT " + named() + " AS backstop_row, " + SqlFragments.list("since.", names) + lacking,
                        insert + " VALUES (" + SqlFragments.list("item.", names) + ")"));
    }

    /** The statement; where it fails by what the rows are, it is tried row by row, and those are named that fail. */
    private String tried(String whole, String each, String one) {
        return "DO "
                + SqlFragments.dollarQuoted("""
                        #variable_conflict use_column
                        DECLARE
                            item record;
                            reason text;
                            code text;
                            named text[] := '{}';
                        BEGIN
                            BEGIN
                                %1$s;
                                RETURN;
                            EXCEPTION WHEN data_exception OR integrity_constraint_violation THEN
                                NULL;
                            END;
                            FOR item IN %2$s LOOP
                                BEGIN
                                    %3$s;
                                EXCEPTION WHEN data_exception OR integrity_constraint_violation THEN
                                    GET STACKED DIAGNOSTICS reason = MESSAGE_TEXT, code = RETURNED_SQLSTATE;
                                    named := named || (item.backstop_row || ': ' || CASE WHEN code LIKE '22%%'
                                        THEN 'the server refuses a value (SQLSTATE ' || code || ')' ELSE reason END);
                                    EXIT WHEN cardinality(named) = 10;
                                END;
                            END LOOP;
                            IF cardinality(named) = 0 THEN
                                %1$s;
                                RETURN;
                            END IF;
                            RAISE EXCEPTION '%%: %%', %4$s, array_to_string(named, '; ') USING ERRCODE = '23000';
                        END""".formatted(
                        whole,
                        each,
                        one,
                        SqlSpelling.literal("rows of table " + present.name() + " do not fit into the restored one")));
    }

    private String named() {
        return MergedColumn.named(key.stream().map(KeyColumn::column).toList(), "since");
    }

    private String sameKey(String row) {
        return key.stream().map(k -> k.equal("saved", row)).collect(Collectors.joining(" AND "));
    }

    private String isMissing(String saved) {
        return "NOT EXISTS (SELECT FROM " + saved + " AS saved WHERE " + sameKey("since") + ")";
    }

    private String differs(List<String> also) {
        List<String> names = Stream.concat(
                        columns.stream().filter(c -> !kept.contains(c)).map(MergedColumn::name), also.stream())
                .toList();
        return differing(names);
    }

    private static String differing(List<String> names) {
        return "ROW(" + SqlFragments.list("saved.", names) + ")::text COLLATE \"C\" IS DISTINCT FROM ROW("
                + SqlFragments.list("since.", names) + ")::text COLLATE \"C\"";
    }

    private static List<String> names(List<MergedColumn> columns) {
        return columns.stream().map(MergedColumn::name).toList();
    }

    private List<String> carriedColumns() {
        return carried.columns().stream()
                .filter(c -> !MergedColumn.isComputed(c))
                .map(Column::name)
                .toList();
    }

    private List<MergedColumn> withCarried() {
        List<MergedColumn> all = new ArrayList<>(columns);
        carried.columns().stream()
                .filter(c -> !MergedColumn.isComputed(c))
                .forEach(c -> all.add(new MergedColumn(c.name(), c.type(), c.type(), false, true)));
        return all;
    }

    /** New rows get numbers beyond those of both tables. */
    private void advance(SqlScript script, Sequence sequence, RestoredNames aside) {
        TableDescription now = present.description();
        List<String> others = now.sequences().stream()
                .filter(s -> s.column().equals(sequence.column()))
                .map(s ->
                        SequencePosition.reachedBy(RelationName.of(aside.schema(), aside.sequence(s.name())), sequence))
                .toList();
        RowMergeScript.advance(script, sequence, others, restored.description(), restored.original());
    }

    /** What an operator should know: one sentence each. */
    List<String> warnings(RelationName aside) {
        List<String> warnings = new ArrayList<>();
        String rows = extra.map(number -> number + " rows").orElse("rows");
        warnings.add("table " + present.name() + " is set aside as " + aside
                + (extra.equals(Optional.of(0L))
                        ? ", and has no rows that are not stored"
                        : ", and its " + rows + " that are not stored are merged into the restored one"));
        if (counts.kept() > 0) {
            warnings.add(counts.kept() + " rows of table " + present.name()
                    + " were written again under stored keys and stay as they are now; leave the UPDATE out to put the"
                    + " stored values in their place");
        }
        columns.stream()
                .filter(MergedColumn::isConverted)
                .forEach(c -> warnings.add("column " + c.name() + " of table " + present.name() + " is " + c.from()
                        + " and becomes " + c.type() + " again"
                        + (kept.contains(c) ? "; rows that are stored keep the values that are stored of it" : "")));
        restored.description().columns().stream()
                .map(Column::name)
                .filter(name -> MergedColumn.find(present.description(), name).isEmpty())
                .forEach(name -> warnings.add("column " + name + " has its default in rows of table " + present.name()
                        + " that are not stored"));
        warnings.addAll(carried.warnings());
        return warnings;
    }
}
