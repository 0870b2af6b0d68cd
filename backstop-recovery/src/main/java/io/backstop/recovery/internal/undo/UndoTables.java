package io.backstop.recovery.internal.undo;

import io.backstop.api.analysis.RelationName;
import io.backstop.recovery.internal.sql.RecoveryTransaction;
import io.backstop.recovery.internal.undo.UndonePart.Effect;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.snapshot.archive.SnapshotArchive;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** The tables of one undo, locked, with what is stored of them, and how they hang together. Thread-confined. */
final class UndoTables {
    private static final String LEAVES = "SELECT c.oid::text, n.nspname, c.relname FROM pg_partition_tree("
            + "pg_partition_root(?::oid)) t JOIN pg_class c ON c.oid = t.relid JOIN pg_namespace n "
            + "ON n.oid = c.relnamespace WHERE t.isleaf AND c.relkind = 'r' ORDER BY c.oid";

    private static final String ANCESTORS = "SELECT relid::oid::text FROM pg_partition_ancestors(?::oid)";

    private static final String RULES = "EXISTS (SELECT FROM pg_rewrite WHERE ev_class = ?::regclass "
            + "AND ev_enabled <> 'D' AND ev_type <> '1')";

    private final List<UndoTable> tables;
    private final List<List<UndoTable>> trees;

    /** Each table and the partitioned ones above it, with which foreign keys may stand. */
    private final Map<Long, Set<Long>> identities;

    private final List<ForeignKeyLink> links;

    /** Of partitioned tables, whose rows are their partitions'. */
    private final List<UndonePart> withoutRows;

    private UndoTables(
            List<UndoTable> tables,
            List<List<UndoTable>> trees,
            Map<Long, Set<Long>> identities,
            List<ForeignKeyLink> links,
            List<UndonePart> withoutRows) {
        this.tables = tables;
        this.trees = trees;
        this.identities = identities;
        this.links = links;
        this.withoutRows = withoutRows;
    }

    /** Locks the tables against writers, in the order of their oids, and loads what is stored of them. */
    static UndoTables of(RecoveryTransaction transaction, SnapshotArchive archive, UndoneGroup group)
            throws SQLException, RecoveryException {
        Map<Long, RelationName> names = new TreeMap<>();
        Map<Long, List<UndonePart>> parts = new TreeMap<>();
        List<UndonePart> withoutRows = new ArrayList<>();
        for (UndonePart part : group.parts()) {
            Optional<RelationName> name = UndoTable.locate(transaction, part);
            if (name.isPresent()) {
                long oid = UndoTable.oid(part);
                names.put(oid, name.get());
                parts.computeIfAbsent(oid, key -> new ArrayList<>()).add(part);
            } else if (part.manifest().rowCount() > 0) {
                throw new RecoveryException(
                        "table " + part.name() + " was made into something else since",
                        "`backstop recover` restores its rows beside it");
            } else {
                withoutRows.add(part);
            }
        }
        Map<Long, Set<Long>> trees = new LinkedHashMap<>();
        for (long oid : List.copyOf(names.keySet())) {
            trees.put(oid, leaves(transaction, oid, parts.getOrDefault(oid, List.of()), names));
        }
        lock(transaction, names.values());
        requireSameNames(transaction, names);
        Set<String> numbers = group.parts().stream()
                .flatMap(part -> part.numbers().stream())
                .collect(Collectors.toCollection(TreeSet::new));
        Map<Long, UndoTable> tables = new LinkedHashMap<>();
        for (Map.Entry<Long, RelationName> table : names.entrySet()) {
            UndoTable made = UndoTable.of(
                    transaction,
                    table.getKey(),
                    table.getValue(),
                    parts.getOrDefault(table.getKey(), List.of()),
                    numbers,
                    tables.size() + 1);
            made.stage(archive);
            tables.put(table.getKey(), made);
        }
        Map<Long, Set<Long>> identities = new LinkedHashMap<>();
        for (long oid : tables.keySet()) {
            Set<Long> above = new HashSet<>(Set.of(oid));
            transaction
                    .strings(ANCESTORS, String.valueOf(oid))
                    .forEach(relation -> above.add(Long.parseLong(relation)));
            identities.put(oid, above);
        }
        return new UndoTables(
                List.copyOf(tables.values()),
                trees.values().stream()
                        .distinct()
                        .map(tree -> tree.stream().map(tables::get).toList())
                        .toList(),
                identities,
                ForeignKeyLink.of(
                        transaction,
                        identities.values().stream().flatMap(Set::stream).collect(Collectors.toSet())),
                withoutRows);
    }

    /** A partition's rows may be in another one after an UPDATE. */
    private static Set<Long> leaves(
            RecoveryTransaction transaction, long oid, List<UndonePart> parts, Map<Long, RelationName> names)
            throws SQLException {
        Set<Long> tree = new TreeSet<>(Set.of(oid));
        if (parts.stream().anyMatch(part -> part.effect() == Effect.CHANGED)) {
            for (List<String> leaf : transaction.rows(LEAVES, String.valueOf(oid))) {
                names.put(Long.parseLong(leaf.get(0)), RelationName.of(leaf.get(1), leaf.get(2)));
                tree.add(Long.parseLong(leaf.get(0)));
            }
        }
        return tree;
    }

    /** Rules can be switched off under the strongest lock alone. */
    private static void lock(RecoveryTransaction transaction, Collection<RelationName> names) throws SQLException {
        for (RelationName name : names) {
            transaction.execute("LOCK TABLE ONLY " + name.quoted() + " IN "
                    + (transaction.holds(RULES, name.quoted()) ? "ACCESS" : "SHARE ROW") + " EXCLUSIVE MODE");
        }
    }

    private static void requireSameNames(RecoveryTransaction transaction, Map<Long, RelationName> names)
            throws SQLException, RecoveryException {
        for (Map.Entry<Long, RelationName> table : names.entrySet()) {
            if (!transaction.holds(
                    "?::regclass::oid = ?::oid", table.getValue().quoted(), String.valueOf(table.getKey()))) {
                throw new RecoveryException(
                        "table " + table.getValue() + " was exchanged for another one meanwhile", "run it again");
            }
        }
    }

    List<UndoTable> all() {
        return tables;
    }

    /** What is stored of partitioned tables. */
    List<UndonePart> withoutRows() {
        return withoutRows;
    }

    /** Tables among which an UPDATE may have moved rows. */
    List<List<UndoTable>> trees() {
        return trees;
    }

    /** Foreign keys of a table, with the tables here that they refer to. */
    Map<ForeignKeyLink, List<UndoTable>> referredBy(UndoTable table) {
        return links.stream()
                .filter(link -> identities(table).contains(link.referring()))
                .collect(Collectors.toMap(link -> link, this::referred, (one, same) -> one, LinkedHashMap::new));
    }

    /** Foreign keys that refer to a table, with the tables here that have them. */
    Map<ForeignKeyLink, List<UndoTable>> referringTo(UndoTable table) {
        return links.stream()
                .filter(link -> identities(table).contains(link.referred()))
                .collect(Collectors.toMap(link -> link, this::referring, (one, same) -> one, LinkedHashMap::new));
    }

    private List<UndoTable> referred(ForeignKeyLink link) {
        return tables.stream()
                .filter(table -> identities(table).contains(link.referred()))
                .toList();
    }

    private List<UndoTable> referring(ForeignKeyLink link) {
        return tables.stream()
                .filter(table -> identities(table).contains(link.referring()))
                .toList();
    }

    private Set<Long> identities(UndoTable table) {
        return identities.getOrDefault(table.oid(), Set.of());
    }

    /** What is referred to before what refers; where keys go in a circle, as it comes. */
    List<UndoTable> parentsFirst() {
        List<UndoTable> remaining = new ArrayList<>(tables);
        List<UndoTable> ordered = new ArrayList<>();
        while (!remaining.isEmpty()) {
            UndoTable next = remaining.stream()
                    .filter(table -> referredBy(table).values().stream()
                            .flatMap(List::stream)
                            .allMatch(other -> other == table || !remaining.contains(other)))
                    .findFirst()
                    .orElse(remaining.get(0));
            remaining.remove(next);
            ordered.add(next);
        }
        return ordered;
    }

    List<UndoTable> childrenFirst() {
        List<UndoTable> ordered = new ArrayList<>(parentsFirst());
        Collections.reverse(ordered);
        return ordered;
    }
}
