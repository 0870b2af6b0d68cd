package io.backstop.snapshot.archive;

import io.backstop.snapshot.key.DataKey;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

import java.util.HexFormat;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * What {@code committed.json} holds: that the statement a snapshot was taken for is committed, and, where whoever marks it
 * knows, by which {@code xmin} the rows that it made can be told and how many it wrote. Immutable, thread-safe.
 *
 * @param rowsTransactionIds as {@code xmin} has them; empty where that is not known
 * @param ownTransactionIds the {@code xmin} under which no other statement makes rows, be it one of the same transaction;
 *     empty where there is none
 * @param counts how many rows of the snapshot's table the statement wrote; empty where that is not known
 * @param oldestRunning the {@code xmin} from which on transactions had not ended when the statement had run, its own included;
 *     empty where that is not known
 * @param otherTables of which the statement changed rows that are in no snapshot, {@code schema.name}
 */
public record CommitMark(
        Set<String> rowsTransactionIds,
        Set<String> ownTransactionIds,
        Optional<StatementCounts> counts,
        Optional<String> oldestRunning,
        Set<String> otherTables) {
    /** Says nothing of the statement but, where it is in the storage, that it is committed. */
    public static final CommitMark WITHOUT_ROWS =
            new CommitMark(Set.of(), Set.of(), Optional.empty(), Optional.empty(), Set.of());

    /** More than a mark of Backstop's has. */
    static final int LONGEST = 64 << 10;

    /** Of a statement with more, none is kept. */
    private static final int MOST_IDS = 1000;

    /** Of more, so many are kept. */
    private static final int MOST_NAMES = 100;

    private static final String ROWS = "rows_transaction_ids";
    private static final String OWN = "own_transaction_ids";
    private static final String OLDEST = "oldest_running_transaction_id";
    private static final String INSERTED = "rows_inserted";
    private static final String UPDATED = "rows_updated";
    private static final String DELETED = "rows_deleted";
    private static final String OTHERS = "other_tables";
    private static final String MAC = "mac";
    private static final Pattern ID = Pattern.compile("[0-9]{1,10}");

    public CommitMark {
        rowsTransactionIds = rowsTransactionIds.size() <= MOST_IDS ? Set.copyOf(rowsTransactionIds) : Set.of();
        ownTransactionIds = ownTransactionIds.size() <= MOST_IDS ? Set.copyOf(ownTransactionIds) : Set.of();
        otherTables = otherTables.stream().limit(MOST_NAMES).collect(Collectors.toUnmodifiableSet());
    }

    /** @param key of the snapshot, which authenticates it */
    byte[] write(Optional<DataKey> key) {
        ObjectNode node =
                SnapshotJson.MAPPER.createObjectNode().put("format_version", 1).put("status", "committed");
        if (!rowsTransactionIds.isEmpty()) {
            new TreeSet<>(rowsTransactionIds).forEach(node.putArray(ROWS)::add);
            new TreeSet<>(ownTransactionIds).forEach(node.putArray(OWN)::add);
        }
        counts.ifPresent(rows ->
                node.put(INSERTED, rows.inserted()).put(UPDATED, rows.updated()).put(DELETED, rows.deleted()));
        oldestRunning.ifPresent(oldest -> node.put(OLDEST, oldest));
        if (!otherTables.isEmpty()) {
            new TreeSet<>(otherTables).forEach(node.putArray(OTHERS)::add);
        }
        if (node.size() > 2) {
            key.ifPresent(own -> node.put(MAC, mac(own, node)));
        }
        return SnapshotJson.MAPPER.writeValueAsBytes(node);
    }

    /**
     * What cannot be read, or is not authenticated under the key, tells of no rows: that the mark is there says that the
     * statement is committed.
     */
    static CommitMark read(byte[] content, Optional<DataKey> key) {
        try {
            if (!(SnapshotJson.MAPPER.readTree(content) instanceof ObjectNode node)) {
                return WITHOUT_ROWS;
            }
            JsonNode mac = node.remove(MAC);
            if (key.isPresent()
                    && (mac == null || !mac.isString() || !mac.asString().equals(mac(key.get(), node)))) {
                return WITHOUT_ROWS;
            }
            Optional<Set<String>> rows = ids(node.path(ROWS));
            Optional<Set<String>> own = ids(node.path(OWN));
            return rows.isEmpty() || own.isEmpty()
                    ? WITHOUT_ROWS
                    : new CommitMark(
                            rows.get(), own.get(), counts(node), oldest(node.path(OLDEST)), names(node.path(OTHERS)));
        } catch (JacksonException e) {
            return WITHOUT_ROWS;
        }
    }

    /** Empty where one of them is none. */
    private static Optional<Set<String>> ids(JsonNode list) {
        Set<String> ids = new TreeSet<>();
        for (JsonNode id : list) {
            if (!id.isString() || !ID.matcher(id.asString()).matches()) {
                return Optional.empty();
            }
            ids.add(id.asString());
        }
        return Optional.of(ids);
    }

    private static Set<String> names(JsonNode list) {
        Set<String> names = new TreeSet<>();
        for (JsonNode name : list) {
            names.add(name.asString());
        }
        return names;
    }

    private static Optional<String> oldest(JsonNode id) {
        return id.isString() && ID.matcher(id.asString()).matches() ? Optional.of(id.asString()) : Optional.empty();
    }

    private static Optional<StatementCounts> counts(ObjectNode node) {
        return isCount(node.path(INSERTED)) && isCount(node.path(UPDATED)) && isCount(node.path(DELETED))
                ? Optional.of(new StatementCounts(
                        node.path(INSERTED).longValue(),
                        node.path(UPDATED).longValue(),
                        node.path(DELETED).longValue()))
                : Optional.empty();
    }

    private static boolean isCount(JsonNode node) {
        return node.isIntegralNumber() && node.canConvertToLong() && node.longValue() >= 0;
    }

    private static String mac(DataKey key, ObjectNode withoutMac) {
        return HexFormat.of().formatHex(key.mac(SnapshotJson.MAPPER.writeValueAsBytes(withoutMac)));
    }

    /**
     * How many rows of one table a statement wrote, by the server's counters for its transaction (PostgreSQL documentation, 28.2). What a
     * subtransaction of it wrote and took back counts too, so that more may be counted than is there, never less. Immutable,
     * thread-safe.
     *
     * @param inserted new rows, those included that came from another partition
     * @param updated changed rows, as often as they were changed
     * @param deleted removed rows, those included that went to another partition
     */
    public record StatementCounts(long inserted, long updated, long deleted) {
        public static final StatementCounts NONE = new StatementCounts(0, 0, 0);

        /** What was written since an earlier count of the same transaction. */
        public StatementCounts since(StatementCounts earlier) {
            return new StatementCounts(
                    inserted - earlier.inserted, updated - earlier.updated, deleted - earlier.deleted);
        }

        /** Both together. */
        public StatementCounts plus(StatementCounts other) {
            return new StatementCounts(inserted + other.inserted, updated + other.updated, deleted + other.deleted);
        }
    }
}
