package io.backstop.jdbc.internal.pipeline.preview;

import io.backstop.api.error.StatementBlockedException;
import io.backstop.jdbc.internal.pipeline.catalog.CatalogSql;
import io.backstop.jdbc.internal.pipeline.statement.ValueTypes;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.stream.Collectors;

/**
 * The types by which the driver sends the values of a statement that somebody is to approve: what is looked up for them, shown
 * and bound to the approval goes by their names. Stateless.
 */
final class RememberedTypes {
    /** Each with the name of its elements where it is an array. */
    private static final String CURRENT_NAMES = CatalogSql.qualified("""
            SELECT COALESCE(element.typname, sent.typname) FROM pg_catalog.unnest(?::pg_catalog.oid[]) AS own(type)
            LEFT JOIN pg_catalog.pg_type AS sent ON sent.oid = own.type
            LEFT JOIN pg_catalog.pg_type AS element ON element.typarray = sent.oid""");

    private RememberedTypes() {}

    /** What an approval is bound to, beside their names. */
    static String identity(ValueTypes types) {
        return types.own().isEmpty()
                ? ""
                : "types " + types.own().stream().sorted().map(String::valueOf).collect(Collectors.joining(",")) + ";";
    }

    /** @throws StatementBlockedException where a type has another name now than the driver remembers, or is gone */
    static void requireCurrent(Connection connection, ValueTypes types) throws SQLException, StatementBlockedException {
        if (types.own().isEmpty()) {
            return;
        }
        try (PreparedStatement select = connection.prepareStatement(CURRENT_NAMES)) {
            select.setString(1, CatalogSql.array(types.own()));
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    String name = row.getString(1);
                    if (name == null || !types.names().contains(name)) {
                        throw new StatementBlockedException(
                                "a value is refused: its type was renamed or replaced since this connection asked for it",
                                "send it on a new connection");
                    }
                }
            }
        }
    }
}
