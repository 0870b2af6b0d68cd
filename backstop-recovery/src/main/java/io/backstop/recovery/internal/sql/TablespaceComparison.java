package io.backstop.recovery.internal.sql;

import io.backstop.api.analysis.RelationName;
import io.backstop.recovery.model.RestoredNames;
import io.backstop.recovery.model.RestoredTable;
import io.backstop.snapshot.schema.TableDescription;
import io.backstop.snapshot.schema.TableDescription.Constraint;
import io.backstop.snapshot.schema.TableDescription.Index;
import io.backstop.snapshot.schema.TableDescription.IndexSettings;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Tells where a restored table and its indexes lie elsewhere than the original's. Stateless. */
public final class TablespaceComparison {
    private static final String IN_TABLESPACE = "EXISTS (SELECT FROM pg_class c "
            + "JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_tablespace s ON s.oid = c.reltablespace "
            + "WHERE n.nspname = ? AND c.relname = ? AND s.spcname = ?)";

    private static final String BY_METHOD = "EXISTS (SELECT FROM pg_class c "
            + "JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_am m ON m.oid = c.relam "
            + "WHERE n.nspname = ? AND c.relname = ? AND m.amname = ?)";

    private TablespaceComparison() {}

    public static List<Misplaced> of(RecoveryTransaction transaction, RestoredTable restored) throws SQLException {
        TableDescription table = restored.description();
        RestoredNames names = restored.names();
        List<Part> parts = new ArrayList<>();
        table.tablespace()
                .ifPresent(space ->
                        parts.add(new Part("TABLE", table.name(), names.target().name(), space)));
        for (Constraint constraint : table.constraints()) {
            constraint
                    .index()
                    .flatMap(IndexSettings::tablespace)
                    .ifPresent(space -> parts.add(
                            new Part("INDEX", constraint.name(), names.constraint(constraint.name()), space)));
        }
        for (Index index : table.indexes()) {
            index.settings()
                    .tablespace()
                    .ifPresent(space -> parts.add(new Part("INDEX", index.name(), names.index(index.name()), space)));
        }
        List<Misplaced> misplaced = new ArrayList<>();
        for (Part part : parts) {
            if (!transaction.holds(IN_TABLESPACE, names.schema(), part.restored(), part.tablespace())) {
                misplaced.add(part.misplaced(table.schema()));
            }
        }
        if (table.accessMethod().isPresent()
                && !transaction.holds(
                        BY_METHOD,
                        names.schema(),
                        names.target().name(),
                        table.accessMethod().get())) {
            misplaced.add(new Misplaced(
                    "table " + restored.original() + " is not kept by access method "
                            + table.accessMethod().get() + ", which does not exist",
                    "ALTER TABLE " + restored.original().quoted() + " SET ACCESS METHOD "
                            + RelationName.quote(table.accessMethod().get())));
        }
        return misplaced;
    }

    /** A table or index that had a tablespace. */
    private record Part(String kind, String original, String restored, String tablespace) {
        Misplaced misplaced(String schema) {
            RelationName name = RelationName.of(schema, original);
            return new Misplaced(
                    kind.toLowerCase(Locale.ROOT) + " " + name + " is not in tablespace " + tablespace
                            + ", which does not exist or may not be used",
                    "ALTER " + kind + " " + name.quoted() + " SET TABLESPACE " + RelationName.quote(tablespace));
        }
    }

    /**
     * Something that lies elsewhere.
     *
     * @param warning a sentence for people
     * @param sql what would bring it where it was
     */
    public record Misplaced(String warning, String sql) {}
}
