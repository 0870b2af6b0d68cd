package io.backstop.cli;

import io.backstop.api.analysis.RelationName;
import org.jspecify.annotations.Nullable;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;

/** The tables that a database has at present; unknown where none was named or it does not answer. Immutable. */
final class PresentTables {
    private final Optional<Set<RelationName>> tables;

    private PresentTables(Optional<Set<RelationName>> tables) {
        this.tables = tables;
    }

    /** Asks the database. One that is down is no failure: the list is most needed then. */
    static PresentTables in(@Nullable DatabaseAddress database) {
        if (database == null) {
            return new PresentTables(Optional.empty());
        }
        Set<RelationName> tables = new HashSet<>();
        try (Connection connection = database.connect();
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("SELECT nspname, relname FROM pg_catalog.pg_class"
                        + " JOIN pg_catalog.pg_namespace ON pg_namespace.oid = relnamespace"
                        + " WHERE relkind IN ('r', 'p', 'm')")) {
            while (rows.next()) {
                tables.add(RelationName.of(rows.getString(1), rows.getString(2)));
            }
            return new PresentTables(Optional.of(tables));
        } catch (SQLException e) {
            return new PresentTables(Optional.empty());
        }
    }

    String tell(RelationName table) {
        return tables.map(known -> known.contains(table) ? "present" : "missing")
                .orElse("unknown");
    }
}
