package io.backstop.recovery.internal.undo;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.internal.postgres.SqlSpelling;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotManifest.TableIdentity;
import io.backstop.recovery.internal.copyback.PresentTable;
import io.backstop.recovery.internal.copyback.PresentTable.KeyColumn;
import io.backstop.recovery.internal.restore.RowLoader;
import io.backstop.recovery.internal.sql.RecoveryTransaction;
import io.backstop.recovery.internal.text.SqlFragments;
import io.backstop.recovery.internal.undo.UndonePart.Effect;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.schema.TableDescription;
import io.backstop.snapshot.schema.TableDescription.Generated;

import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * One table whose rows are undone, and the temporary table beside it that holds the stored ones with what is to become of each:
 * {@code insert}, {@code update}, {@code remove}, {@code same}, {@code untouched} or {@code conflict}. Thread-confined.
 */
final class UndoTable {
    /** Columns of the temporary table, under names that no table of a user's has. */
    static final String ROW = "backstop_undo_row";

    static final String EFFECT = "backstop_undo_effect";
    static final String TAKEN = "backstop_undo_taken";
    static final String ACT = "backstop_undo_act";
    static final String PLACE = "backstop_undo_place";
    static final String WHY = "backstop_undo_why";
    static final String CONSTRAINT = "backstop_undo_constraint";

    private static final String NUMBERS = "SELECT attname, attnum::text FROM pg_attribute WHERE attrelid = ?::oid "
            + "AND attnum > 0 AND NOT attisdropped";

    private static final String NAME = "SELECT n.nspname, c.relname, c.relkind FROM pg_class c "
            + "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = ?::oid";

    private final RecoveryTransaction transaction;
    private final long oid;
    private final PresentTable present;
    private final List<UndonePart> parts;
    private final Set<String> numbers;
    private final RelationName staged;

    private UndoTable(
            RecoveryTransaction transaction,
            long oid,
            PresentTable present,
            List<UndonePart> parts,
            Set<String> numbers,
            int number) {
        this.transaction = transaction;
        this.oid = oid;
        this.present = present;
        this.parts = List.copyOf(parts);
        this.numbers = new TreeSet<>(numbers);
        this.staged = RelationName.of("pg_temp", "backstop_undo_" + number);
    }

    /** The name that a table has now; empty where it has no rows of its own. */
    static Optional<RelationName> locate(RecoveryTransaction transaction, UndonePart part)
            throws SQLException, RecoveryException {
        long oid = oid(part);
        List<List<String>> found = transaction.rows(NAME, String.valueOf(oid));
        if (found.isEmpty()) {
            if (transaction.holds("to_regclass(?) IS NOT NULL", part.name().quoted())) {
                throw new RecoveryException(
                        "table " + part.name() + " was made again since "
                                + part.manifest().snapshotId()
                                + ", so that nobody can tell which of its rows others wrote",
                        "`backstop recover --table " + part.name() + " --before "
                                + part.manifest().snapshotId()
                                + "` compares the stored rows with it and writes a script for them");
            }
            throw new RecoveryException(
                    "table " + part.name() + " of " + part.manifest().snapshotId() + " is gone",
                    "`backstop recover` brings it back");
        }
        return found.get(0).get(2).equals("r")
                ? Optional.of(RelationName.of(found.get(0).get(0), found.get(0).get(1)))
                : Optional.empty();
    }

    static long oid(UndonePart part) {
        return part.manifest().identity().map(TableIdentity::tableOid).orElseThrow();
    }

    /**
     * @param name what {@link #locate} found, locked
     * @param numbers the {@code xmin} of rows that the statement alone made, in whichever table
     * @throws RecoveryException where the table is not made as it was
     */
    static UndoTable of(
            RecoveryTransaction transaction,
            long oid,
            RelationName name,
            List<UndonePart> parts,
            Set<String> numbers,
            int number)
            throws SQLException, RecoveryException {
        PresentTable present = PresentTable.find(transaction, name)
                .orElseThrow(() -> new RecoveryException("table " + name + " is gone", "run it again"));
        UndoTable table = new UndoTable(transaction, oid, present, parts, numbers, number);
        List<List<String>> columns = transaction.rows(NUMBERS, String.valueOf(oid));
        for (UndonePart part : parts) {
            table.requireSameColumns(part.manifest(), columns);
        }
        return table;
    }

    private void requireSameColumns(SnapshotManifest manifest, List<List<String>> numbers) throws RecoveryException {
        Set<String> stored = manifest.columns().stream()
                .map(column -> column.name() + " " + column.type())
                .collect(Collectors.toCollection(TreeSet::new));
        Set<String> now = present.description().columns().stream()
                .filter(column -> !isComputed(column))
                .map(column -> column.name() + " " + column.type())
                .collect(Collectors.toCollection(TreeSet::new));
        boolean sameNumbers = manifest.columns().stream()
                .allMatch(column -> column.number()
                        .filter(number -> numbers.contains(List.of(column.name(), String.valueOf(number))))
                        .isPresent());
        if (!stored.equals(now) || !sameNumbers) {
            throw new RecoveryException(
                    "table " + name() + " has other columns than when " + manifest.snapshotId() + " was taken",
                    "`backstop recover --before " + manifest.snapshotId()
                            + "` restores the rows beside it and writes a script for them");
        }
    }

    private static boolean isComputed(TableDescription.Column column) {
        return column.generated() == Generated.STORED || column.generated() == Generated.VIRTUAL;
    }

    /** Makes the temporary table and fills it with what is stored. */
    void stage(SnapshotArchive archive) throws SQLException, RecoveryException {
        transaction.execute("CREATE TEMPORARY TABLE " + staged() + " ON COMMIT DROP AS SELECT " + list("")
                + " FROM ONLY " + live() + " WITH NO DATA");
        transaction.execute(
                "ALTER TABLE " + staged() + " ADD " + ROW + " bigint GENERATED ALWAYS AS IDENTITY, ADD " + EFFECT
                        + " text, ADD " + TAKEN + " boolean, ADD " + ACT + " text, ADD " + PLACE + " tid, ADD " + WHY
                        + " text, ADD " + CONSTRAINT + " text");
        for (UndonePart part : parts) {
            transaction.execute("ALTER TABLE " + staged() + " ALTER " + EFFECT + " SET DEFAULT "
                    + part.effect().sql() + ", ALTER " + TAKEN + " SET DEFAULT " + part.isOfEachRow());
            try (RowLoader loader = new RowLoader(archive, part.manifest(), staged, name())) {
                for (List<SnapshotManifest.Chunk> stream : loader.streams()) {
                    loader.load(transaction, stream);
                }
            }
        }
        transaction.execute("ANALYZE " + staged());
    }

    RelationName name() {
        return present.name();
    }

    long oid() {
        return oid;
    }

    PresentTable present() {
        return present;
    }

    List<UndonePart> parts() {
        return parts;
    }

    boolean hasKey() {
        return !present.key().isEmpty();
    }

    /** The table, as SQL. */
    String live() {
        return name().quoted();
    }

    /** The temporary table, as SQL. */
    String staged() {
        return staged.quoted();
    }

    /** The stored columns. */
    List<String> columns() {
        return present.description().columns().stream()
                .filter(column -> !isComputed(column))
                .map(TableDescription.Column::name)
                .toList();
    }

    /** The stored columns after a prefix, as SQL. */
    String list(String prefix) {
        return SqlFragments.list(prefix, columns());
    }

    /** The condition that a row and a stored one have the same key. */
    String sameKey(String row, String stored) {
        return present.key().stream().map(column -> column.equal(row, stored)).collect(Collectors.joining(" AND "));
    }

    List<String> key() {
        return present.key().stream().map(KeyColumn::column).toList();
    }

    /** As text, because not every type can be compared, and equal values need not be the same ones. */
    String differs(String row, String stored) {
        return values(row) + " IS DISTINCT FROM " + values(stored);
    }

    String values(String row) {
        return "ROW(" + list(row + ".") + ")::text COLLATE \"C\"";
    }

    /** The condition that the statement alone made a row. */
    String mine(String row) {
        return numbers.isEmpty()
                ? "false"
                : numbers.stream().map(SqlSpelling::literal).collect(Collectors.joining(", ", row + ".xmin IN (", ")"));
    }

    /** How many stored rows are of these effects. */
    long stored(Effect... effects) {
        Set<Effect> wanted = Set.of(effects);
        return parts.stream()
                .filter(part -> wanted.contains(part.effect()))
                .mapToLong(part -> part.manifest().rowCount())
                .sum();
    }

    Stream<UndonePart> parts(Effect effect) {
        return parts.stream().filter(part -> part.effect() == effect);
    }

    /** How many staged rows a condition is true of. */
    long count(String condition) throws SQLException {
        return number("SELECT count(*) FROM " + staged() + " AS s WHERE " + condition);
    }

    long number(String query) throws SQLException {
        return Long.parseLong(transaction.strings(query).get(0));
    }

    void execute(String sql) throws SQLException {
        transaction.execute(sql);
    }

    RecoveryTransaction transaction() {
        return transaction;
    }

    /** The condition that a staged row is to be treated in one of these ways. */
    static String acts(String row, String... acts) {
        return row + "." + ACT
                + Stream.of(acts).map(act -> "'" + act + "'").collect(Collectors.joining(", ", " IN (", ")"));
    }
}
