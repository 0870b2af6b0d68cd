package io.backstop.jdbc.internal.pipeline.catalog;

import io.backstop.api.analysis.MentionedNames;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Looks up names by the catalog's indexes, in one round trip. Stateless, thread-safe. */
final class NameLookup {
    private NameLookup() {}

    /**
     * What was found.
     *
     * @param more whether one of the names has come to stand for something of the user's that was not known
     * @param frozen whether the transaction may go on seeing an older state of the catalog, so that this says nothing
     */
    record Found(boolean more, boolean frozen) {
        static final Found NOTHING = new Found(false, false);
    }

    static Found look(Connection connection, CatalogState state, List<String> names, List<String> operators)
            throws SQLException {
        CatalogNames known = state.names();
        boolean more = false;
        boolean frozen = false;
        String array = CatalogSql.array(names);
        try (PreparedStatement select = connection.prepareStatement(CatalogQueries.EXISTING)) {
            select.setString(1, array);
            select.setString(2, CatalogSql.array(operators));
            select.setString(3, array);
            select.setString(4, array);
            select.setString(5, array);
            try (ResultSet rows = select.executeQuery()) {
                while (rows.next()) {
                    String name = rows.getString(2);
                    switch (rows.getString(1)) {
                        case "i" -> frozen = CatalogReader.frozen(name);
                        case "f" -> more |= !known.knowsFunction(name);
                        case "r" -> more |= !known.knowsObject(name);
                        case "h" ->
                            more |= state.remote()
                                    .filter(remote -> remote.tables().containsKey(name))
                                    .isEmpty();
                        default -> more = true;
                    }
                }
            }
        }
        return new Found(more, frozen);
    }

    /**
     * What a transaction that sees an older state of the catalog calls without seeing it, whereas the server resolves names
     * in the newest.
     */
    static Optional<String> unseen(Connection connection, CatalogNames known, MentionedNames names)
            throws SQLException {
        List<String> called = new ArrayList<>();
        for (int i = 0; i < names.size(); i++) {
            if (names.called(i) && !names.keyword(i) && !known.knowsFunction(names.name(i))) {
                called.add(names.name(i));
            }
        }
        if (called.isEmpty()) {
            return Optional.empty();
        }
        try (PreparedStatement select = connection.prepareStatement(CatalogQueries.UNKNOWN_FUNCTIONS)) {
            select.setString(1, CatalogSql.array(called));
            try (ResultSet rows = select.executeQuery()) {
                return rows.next()
                        ? Optional.of(
                                rows.getString(1) + ", which a transaction at this isolation level cannot look up")
                        : Optional.empty();
            }
        }
    }
}
