package io.backstop.recovery.internal.undo;

import io.backstop.api.analysis.RelationName;
import io.backstop.recovery.internal.copyback.PresentTable.Switch;
import io.backstop.recovery.internal.sql.RecoveryTransaction;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.snapshot.archive.CommitMark.StatementCounts;
import io.backstop.snapshot.schema.TableDescription.Generated;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import static io.backstop.recovery.internal.undo.UndoTable.ACT;
import static io.backstop.recovery.internal.undo.UndoTable.EFFECT;
import static io.backstop.recovery.internal.undo.UndoTable.PLACE;
import static io.backstop.recovery.internal.undo.UndoTable.acts;

/**
 * Puts the rows of an undo back as decided, and looks whether exactly that has happened. Writes in no subtransaction, so that
 * all rows that it makes carry one number. Thread-confined.
 */
final class UndoWriter {
    private static final String WRITTEN = "SELECT coalesce(pg_stat_get_xact_tuples_inserted(?::oid), 0)::text, "
            + "coalesce(pg_stat_get_xact_tuples_updated(?::oid), 0)::text, "
            + "coalesce(pg_stat_get_xact_tuples_deleted(?::oid), 0)::text";

    /** The one kind of rule that a copyback does not switch off: it never deletes. */
    private static final String DELETE_RULES = "SELECT rulename, ev_enabled FROM pg_rewrite WHERE ev_class = ?::oid "
            + "AND ev_enabled <> 'D' AND ev_type = '4' ORDER BY rulename";

    private static final String APART = "SELECT DISTINCT a.attname FROM pg_index i JOIN pg_attribute a "
            + "ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey) WHERE i.indrelid = ?::oid "
            + "AND (i.indisunique OR i.indisexclusion)";

    private final RecoveryTransaction transaction;
    private final UndoTables tables;

    /** How often a foreign key's action changed rows that were to be changed by the undo anyway. */
    private final Map<UndoTable, Long> cascaded = new HashMap<>();

    /** Tables whose rows are written anew rather than changed. */
    private final Set<UndoTable> replaced;

    private UndoWriter(RecoveryTransaction transaction, UndoTables tables, Set<UndoTable> replaced) {
        this.transaction = transaction;
        this.tables = tables;
        this.replaced = replaced;
    }

    static UndoWriter of(RecoveryTransaction transaction, UndoTables tables) {
        return new UndoWriter(transaction, tables, new HashSet<>());
    }

    /** @throws RecoveryException where something else would change as well */
    void write() throws SQLException, RecoveryException {
        Map<UndoTable, StatementCounts> before = counts();
        Map<UndoTable, List<Switch>> switches = new LinkedHashMap<>();
        for (UndoTable table : tables.all()) {
            switches.put(table, switches(table));
            for (Switch each : switches.get(table)) {
                transaction.execute(alter(table) + each.off());
            }
        }
        transaction.execute("SET CONSTRAINTS ALL DEFERRED");
        for (UndoTable table : tables.parentsFirst()) {
            put(table);
        }
        for (UndoTable table : tables.childrenFirst()) {
            if (isReferred(table)) {
                transaction.execute(
                        "DELETE FROM ONLY " + table.live() + " AS p USING " + table.staged() + " AS s WHERE "
                                + isPlaced() + " AND " + acts("s", "remove") + " AND s." + EFFECT + " <> 'moved'");
            }
        }
        transaction.execute("SET CONSTRAINTS ALL IMMEDIATE");
        for (Map.Entry<UndoTable, List<Switch>> table : switches.entrySet()) {
            for (Switch each : table.getValue()) {
                transaction.execute(alter(table.getKey()) + each.on());
            }
        }
        verify(before);
    }

    /** One statement, so that foreign keys are looked at when all of its rows are there; what makes way goes first. */
    private void put(UndoTable table) throws SQLException {
        meetCascades(table);
        transaction.execute("CREATE TEMPORARY TABLE " + made(table) + " (place tid) ON COMMIT DROP");
        List<String> differing = differingColumns(table);
        if (differing.stream().anyMatch(columnsToReplace(table)::contains) && mayBeReplaced(table, differing)) {
            replaced.add(table);
        }
        String goes = acts("s", "remove") + (isReferred(table) ? " AND s." + EFFECT + " = 'moved'" : "");
        String changed = differing.isEmpty() || replaced.contains(table)
                ? ""
                : ", changed AS (UPDATE ONLY " + table.live() + " AS p SET "
                        + differing.stream()
                                .map(column -> RelationName.quote(column) + " = s." + RelationName.quote(column))
                                .collect(Collectors.joining(", "))
                        + " FROM " + table.staged() + " AS s WHERE " + isPlaced() + " AND " + acts("s", "update")
                        + " AND (SELECT count(*) FROM removed) >= 0 RETURNING 1)";
        String list = table.columns().isEmpty() ? "" : " (" + table.list("") + ")";
        transaction.execute("WITH removed AS (DELETE FROM ONLY " + table.live() + " AS p USING " + table.staged()
                + " AS s WHERE " + isPlaced() + " AND (" + goes
                + (replaced.contains(table) ? " OR " + acts("s", "update") : "") + ") RETURNING 1)" + changed
                + ", made AS (INSERT INTO " + table.live() + list
                + (table.present().hasIdentity() ? " OVERRIDING SYSTEM VALUE" : "") + " SELECT " + table.list("s.")
                + " FROM " + table.staged() + " AS s WHERE "
                + (replaced.contains(table) ? acts("s", "insert", "update") : acts("s", "insert"))
                + " AND (SELECT count(*) FROM removed) >= 0"
                + (changed.isEmpty() ? "" : " AND (SELECT count(*) FROM changed) >= 0")
                + " RETURNING ctid) INSERT INTO " + made(table) + " SELECT ctid FROM made");
    }

    /** Where a foreign key gave rows their earlier values already, because what they refer to has its own back. */
    private void meetCascades(UndoTable table) throws SQLException {
        boolean cascades = tables.referredBy(table).keySet().stream()
                .anyMatch(link -> link.onUpdate() != 'a' && link.onUpdate() != 'r');
        if (!cascades || !table.hasKey()) {
            return;
        }
        String own = "present.xmin = pg_catalog.pg_current_xact_id()::xid";
        cascaded.put(
                table,
                table.number(
                        "SELECT count(*) FROM ONLY " + table.live() + " AS present JOIN " + table.staged() + " AS s ON "
                                + table.sameKey("present", "s") + " WHERE " + own + " AND " + acts("s", "update")));
        transaction.execute("UPDATE " + table.staged() + " AS s SET " + PLACE + " = present.ctid, " + ACT
                + " = CASE WHEN "
                + table.differs("present", "s") + " THEN 'update' ELSE 'cascaded' END FROM ONLY " + table.live()
                + " AS present WHERE " + table.sameKey("present", "s") + " AND " + own + " AND " + acts("s", "update"));
    }

    /** Those that rows differ in which get their values back. */
    private List<String> differingColumns(UndoTable table) throws SQLException {
        List<String> columns = table.columns();
        if (columns.isEmpty() || table.count(acts("s", "update")) == 0) {
            return List.of();
        }
        List<String> differ = transaction
                .rows("SELECT "
                        + columns.stream()
                                .map(RelationName::quote)
                                .map(column -> "coalesce(bool_or(ROW(p." + column
                                        + ")::text COLLATE \"C\" IS DISTINCT FROM ROW(s." + column
                                        + ")::text COLLATE \"C\"), false)")
                                .collect(Collectors.joining(", "))
                        + " FROM ONLY " + table.live() + " AS p JOIN " + table.staged() + " AS s ON " + isPlaced()
                        + " WHERE " + acts("s", "update"))
                .get(0);
        return IntStream.range(0, columns.size())
                .filter(i -> differ.get(i).equals("t"))
                .mapToObj(columns::get)
                .toList();
    }

    /** Unique values that moved from row to row would meet on their way back, and an identity takes no UPDATE. */
    private Set<String> columnsToReplace(UndoTable table) throws SQLException {
        Set<String> columns = new HashSet<>(transaction.strings(APART, String.valueOf(table.oid())));
        table.present().description().columns().stream()
                .filter(column -> column.generated() == Generated.IDENTITY_ALWAYS)
                .forEach(column -> columns.add(column.name()));
        return columns;
    }

    /**
     * Not where other rows would go with a row, or forbid that it goes, though it comes back at once; nor where they refer to
     * what changes.
     */
    private boolean mayBeReplaced(UndoTable table, List<String> differing) {
        return tables.referringTo(table).keySet().stream()
                .allMatch(link -> link.onDelete() == 'a'
                        && link.columns().stream()
                                .map(ForeignKeyLink.Column::referred)
                                .noneMatch(differing::contains));
    }

    /** Whether rows of other tables here refer to it, which have to go or change before its own go. */
    private boolean isReferred(UndoTable table) {
        return tables.referringTo(table).values().stream().flatMap(List::stream).anyMatch(other -> other != table);
    }

    private void verify(Map<UndoTable, StatementCounts> before) throws SQLException, RecoveryException {
        for (Map.Entry<UndoTable, StatementCounts> now : counts().entrySet()) {
            UndoTable table = now.getKey();
            StatementCounts written = now.getValue().since(before.getOrDefault(table, StatementCounts.NONE));
            long updated = table.count(acts("s", "update"));
            long again = replaced.contains(table) ? updated : 0;
            StatementCounts expected = new StatementCounts(
                    table.count(acts("s", "insert")) + again,
                    updated - again + cascaded.getOrDefault(table, 0L),
                    table.count(acts("s", "remove")) + again);
            boolean backAgain = !table.hasKey()
                    || table.count(acts("s", "insert", "update", "cascaded") + " AND NOT EXISTS (SELECT FROM ONLY "
                                    + table.live() + " AS p WHERE " + table.sameKey("p", "s") + " AND NOT "
                                    + table.differs("p", "s") + ")")
                            == 0;
            if (!written.equals(expected) || !backAgain) {
                throw new RecoveryException(
                        "the undo would change other rows of table " + table.name()
                                + " too, or these otherwise, by a foreign key's action or what else the server runs",
                        "`backstop recover` writes a script that you can read and change");
            }
        }
    }

    private Map<UndoTable, StatementCounts> counts() throws SQLException {
        Map<UndoTable, StatementCounts> counts = new LinkedHashMap<>();
        for (UndoTable table : tables.all()) {
            String oid = String.valueOf(table.oid());
            List<Long> row = transaction.rows(WRITTEN, oid, oid, oid).get(0).stream()
                    .map(Long::parseLong)
                    .toList();
            counts.put(table, new StatementCounts(row.get(0), row.get(1), row.get(2)));
        }
        return counts;
    }

    private List<Switch> switches(UndoTable table) throws SQLException {
        List<Switch> rules = new ArrayList<>();
        for (List<String> rule : transaction.rows(DELETE_RULES, String.valueOf(table.oid()))) {
            rules.add(new Switch("RULE", rule.get(0), rule.get(1).charAt(0)));
        }
        return Stream.of(table.present().triggers(), table.present().rules(), rules)
                .flatMap(List::stream)
                .toList();
    }

    /** The rows that are made, as a condition on the table's own. */
    String isMade(UndoTable table) {
        String made = "ctid IN (SELECT place FROM " + made(table) + ")";
        return replaced.contains(table)
                ? made + " AND EXISTS (SELECT FROM " + table.staged() + " AS s WHERE " + acts("s", "insert") + " AND "
                        + table.sameKey(table.live(), "s") + ")"
                : made;
    }

    private static String made(UndoTable table) {
        return table.staged().replaceFirst("backstop_undo_", "backstop_undo_made_");
    }

    private static String isPlaced() {
        return "p.ctid = s." + PLACE;
    }

    private static String alter(UndoTable table) {
        return "ALTER TABLE ONLY " + table.live();
    }
}
