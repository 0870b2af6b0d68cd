package io.backstop.recovery.internal.copyback;

import io.backstop.api.analysis.RelationName;
import io.backstop.recovery.internal.sql.RecoveryTransaction;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.snapshot.describe.TableDescriber;
import io.backstop.snapshot.schema.TableDescription;
import io.backstop.snapshot.schema.TableDescription.Column;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What the catalog says about a table at the moment, as far as rows are put back into it. Immutable.
 *
 * @param key the columns of a key without NULLs: the primary key, else the first unique one by name; empty where there is
 *     none
 * @param triggers its own triggers that fire, with the words that enable each as it is
 * @param rules the same for rules on INSERT and UPDATE
 */
public record PresentTable(
        RelationName name,
        TableDescription description,
        List<KeyColumn> key,
        List<Switch> triggers,
        List<Switch> rules) {
    private static final String TABLE =
            "FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace " + "WHERE s.nspname = ? AND c.relname = ? ";

    private static final String OID = "(SELECT c.oid " + TABLE + ")";

    /** The best key's columns with the operator of its index for equality: the only sure meaning of "the same key". */
    private static final String KEY = "SELECT a.attname, n.nspname, o.oprname FROM (SELECT i.* FROM pg_index i "
            + "JOIN pg_class x ON x.oid = i.indexrelid WHERE i.indrelid = " + OID + " AND i.indisunique "
            + "AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL AND x.relam = 403 "
            + "AND NOT EXISTS (SELECT FROM pg_attribute m WHERE m.attrelid = i.indrelid "
            + "AND (NOT m.attnotnull OR m.attgenerated <> '') "
            + "AND m.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])) "
            + "ORDER BY i.indisprimary DESC, x.relname LIMIT 1) i "
            + "CROSS JOIN LATERAL generate_series(0, i.indnkeyatts - 1) AS k "
            + "JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[k] "
            + "JOIN pg_opclass p ON p.oid = i.indclass[k] "
            + "JOIN pg_amop m ON m.amopfamily = p.opcfamily AND m.amopstrategy = 3 "
            + "AND m.amoplefttype = p.opcintype AND m.amoprighttype = p.opcintype "
            + "JOIN pg_operator o ON o.oid = m.amopopr JOIN pg_namespace n ON n.oid = o.oprnamespace ORDER BY k";

    /**
     * Of {@code pg_trigger}: not those that the server needs for constraints. What a partition has of its parent's is the
     * user's, though before PostgreSQL 15 it says that it is internal, as what belongs to a partition's foreign key always does.
     */
    public static final String USERS_TRIGGER = "(NOT tgisinternal OR tgparentid <> 0 AND NOT EXISTS "
            + "(SELECT FROM pg_catalog.pg_constraint f WHERE f.oid = tgconstraint AND f.contype = 'f'))";

    private static final String TRIGGERS = "SELECT tgname, tgenabled FROM pg_trigger WHERE tgrelid = " + OID + " AND "
            + USERS_TRIGGER + " AND tgenabled <> 'D' ORDER BY tgname";

    private static final String RULES = "SELECT rulename, ev_enabled FROM pg_rewrite WHERE ev_class = " + OID
            + " AND ev_enabled <> 'D' AND ev_type IN ('2', '3') ORDER BY rulename";

    public PresentTable {
        key = List.copyOf(key);
        triggers = List.copyOf(triggers);
        rules = List.copyOf(rules);
    }

    /** The table of that name, if there is one; fails where something that is not a table has the name. */
    public static Optional<PresentTable> find(RecoveryTransaction transaction, RelationName name)
            throws SQLException, RecoveryException {
        String schema = name.schema().orElseThrow();
        List<String> kinds = transaction.strings("SELECT c.relkind " + TABLE, schema, name.name());
        if (kinds.isEmpty()) {
            return Optional.empty();
        }
        if (!List.of("r", "p", "f").contains(kinds.get(0))) {
            throw new RecoveryException(
                    name + " is not a table now, but something else has its name",
                    "rename that, then ask for the copyback plan again");
        }
        Optional<TableDescription> description =
                new TableDescriber().describe(transaction.connection(), schema, name.name());
        if (description.isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(new PresentTable(
                name,
                description.get(),
                key(transaction, name),
                switches(transaction.rows(TRIGGERS, schema, name.name()), "TRIGGER"),
                switches(transaction.rows(RULES, schema, name.name()), "RULE")));
    }

    /** The columns of a table's best key; empty where it has none. */
    static List<KeyColumn> key(RecoveryTransaction transaction, RelationName name) throws SQLException {
        List<KeyColumn> key = new ArrayList<>();
        for (List<String> row : transaction.rows(KEY, name.schema().orElseThrow(), name.name())) {
            key.add(new KeyColumn(row.get(0), row.get(1), row.get(2)));
        }
        return key;
    }

    private static List<Switch> switches(List<List<String>> rows, String kind) {
        return rows.stream()
                .map(row -> new Switch(kind, row.get(0), row.get(1).charAt(0)))
                .toList();
    }

    /** In what way it cannot take the stored values; empty where they can. */
    public List<String> differences(TableDescription stored) {
        List<String> differences = new ArrayList<>();
        if (!description.sqlKind().equals(stored.sqlKind())) {
            differences.add("it is now a " + description.sqlKind() + " and was a " + stored.sqlKind());
        }
        for (Column column : stored.columns()) {
            Optional<Column> present = description.columns().stream()
                    .filter(c -> c.name().equals(column.name()))
                    .findFirst();
            if (present.isEmpty()) {
                differences.add("column " + column.name() + " is gone");
            } else if (!present.get().type().equals(column.type())) {
                differences.add(
                        "column " + column.name() + " is " + present.get().type() + " and was " + column.type());
            } else if (computed(present.get()) && !computed(column)) {
                differences.add("column " + column.name() + " is computed now and was not");
            }
        }
        return differences;
    }

    private static boolean computed(Column column) {
        return switch (column.generated()) {
            case STORED, VIRTUAL -> true;
            case NO, IDENTITY_ALWAYS, IDENTITY_BY_DEFAULT -> false;
        };
    }

    /** Whether values for an identity column have to be insisted on. */
    public boolean hasIdentity() {
        return description.columns().stream()
                .anyMatch(c -> c.generated() == TableDescription.Generated.IDENTITY_ALWAYS);
    }

    /** A column of a key and the operator that tells whether two of its values are the same. */
    public record KeyColumn(String column, String operatorSchema, String operator) {
        /** The condition that two rows have the same value of it, under the names that they go by. */
        public String equal(String left, String right) {
            String quoted = RelationName.quote(column);
            String equals = operatorSchema.equals("pg_catalog") && operator.equals("=")
                    ? "="
                    : "OPERATOR(" + RelationName.quote(operatorSchema) + "." + operator + ")";
            return left + "." + quoted + " " + equals + " " + right + "." + quoted;
        }
    }

    /** A trigger or rule that is on: {@code O}, {@code A} or {@code R} (PostgreSQL documentation, 52.56). */
    public record Switch(String kind, String name, char enabled) {
        /** The end of an ALTER TABLE that switches it off. */
        public String off() {
            return " DISABLE " + kind + " " + RelationName.quote(name);
        }

        /** The end of an ALTER TABLE that switches it on as it was. */
        public String on() {
            String when = enabled == 'A' ? "ALWAYS " : enabled == 'R' ? "REPLICA " : "";
            return " ENABLE " + when + kind + " " + RelationName.quote(name);
        }
    }
}
