package io.backstop.recovery.internal.sql;

import io.backstop.api.analysis.RelationName;
import io.backstop.snapshot.schema.TableDescription;
import io.backstop.snapshot.schema.TableDescription.Column;
import io.backstop.snapshot.schema.TableDescription.ColumnSettings;
import io.backstop.snapshot.schema.TableDescription.Constraint;
import io.backstop.snapshot.schema.TableDescription.ConstraintKind;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What one server was built or started with and another may lack. Stateless. */
public final class ServerCapabilities {
    /** The values of this setting are the methods that the server was built with (PostgreSQL documentation, 20.11.1). */
    private static final String KNOWS =
            "EXISTS (SELECT FROM pg_settings WHERE name = 'default_toast_compression' AND ? = ANY (enumvals))";

    /** From this version on NOT NULL is a constraint that need not be validated, and a CHECK need not be enforced. */
    private static final int NAMES_NOT_NULL = 18;

    private static final String UNDEFINED_TABLE = "42P01";

    private ServerCapabilities() {}

    public static boolean knowsCompression(RecoveryTransaction transaction, String method) throws SQLException {
        return transaction.holds(KNOWS, method);
    }

    /** No catalog tells. The command looks for the provider first, and for the table, which has no such name, then. */
    public static boolean hasLoadedProvider(RecoveryTransaction transaction, String provider) throws SQLException {
        try {
            transaction.attempt("SECURITY LABEL FOR " + RelationName.quote(provider)
                    + " ON TABLE pg_catalog.\"backstop: no table\" IS NULL");
            return true;
        } catch (SQLException e) {
            return UNDEFINED_TABLE.equals(ServerErrors.state(e));
        }
    }

    /**
     * The table as this server can have it: a column whose compression it does not know keeps the default, and a constraint of a
     * kind that it does not know is left out, which is told among the table's omissions.
     */
    public static TableDescription fitted(RecoveryTransaction transaction, TableDescription table) throws SQLException {
        TableDescription columns = withKnownCompression(transaction, table);
        if (namesNotNull(transaction)) {
            return columns;
        }
        List<Constraint> unknown =
                table.constraints().stream().filter(ServerCapabilities::isNew).toList();
        List<Constraint> known = new ArrayList<>(table.constraints());
        known.removeAll(unknown);
        List<String> omissions = new ArrayList<>(columns.omissions());
        unknown.forEach(constraint -> omissions.add("constraint " + constraint.name() + " of table "
                + RelationName.of(table.schema(), table.name()) + " is left out, which servers before 18 do not know: "
                + constraint.definition()));
        return unknown.isEmpty() ? columns : columns.withConstraints(known, omissions);
    }

    /** Whether NOT NULL is a constraint with a name. */
    public static boolean namesNotNull(RecoveryTransaction transaction) throws SQLException {
        return transaction.connection().getMetaData().getDatabaseMajorVersion() >= NAMES_NOT_NULL;
    }

    private static boolean isNew(Constraint constraint) {
        return constraint.definition().endsWith(" NOT ENFORCED")
                || (constraint.kind() == ConstraintKind.NOT_NULL && !constraint.validated());
    }

    private static TableDescription withKnownCompression(RecoveryTransaction transaction, TableDescription table)
            throws SQLException {
        List<Column> columns = new ArrayList<>();
        List<String> omissions = new ArrayList<>(table.omissions());
        for (Column column : table.columns()) {
            Optional<String> method = column.settings().compression();
            if (method.isEmpty() || knowsCompression(transaction, method.get())) {
                columns.add(column);
            } else {
                columns.add(column.with(withoutCompression(column.settings())));
                omissions.add("column " + column.name() + " of table " + RelationName.of(table.schema(), table.name())
                        + " keeps the default compression: the server was built without " + method.get());
            }
        }
        return columns.equals(table.columns()) ? table : table.with(columns, omissions);
    }

    private static ColumnSettings withoutCompression(ColumnSettings settings) {
        return new ColumnSettings(settings.storage(), Optional.empty(), settings.statistics(), settings.options());
    }
}
