package io.backstop.jdbc.internal.pipeline.preview;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.approval.ExpectedImpact.SampleRow;
import io.backstop.jdbc.internal.analysis.detail.ReturningRows;
import io.backstop.jdbc.internal.pipeline.preview.SampleTarget.Column;
import org.jspecify.annotations.Nullable;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Runs a write so that it tells some of its rows, and finds out afterwards what they were. Bounded in rows, columns, and
 * characters of each value, by the server, and in all. Belongs to one connection; not thread-safe.
 */
final class SampledRun {
    private static final String MASKED = "***";
    private static final String NULL = "NULL";
    private static final String CUT = "…";
    private static final String ROW = "backstop_row";

    /** Of all values together. */
    private static final int MOST_CHARACTERS = 64 << 10;

    private final Connection connection;
    private final ReturningRows statement;
    private final SampleTarget target;
    private final boolean keyStays;
    private final List<Returned> returned = new ArrayList<>();
    private int characters;

    /** @param written the columns that the statement assigns */
    SampledRun(Connection connection, ReturningRows statement, SampleTarget target, Set<String> written) {
        this.connection = connection;
        this.statement = statement;
        this.target = target;
        this.keyStays = !target.key().isEmpty()
                && target.key().stream().map(Column::name).noneMatch(written::contains);
    }

    /** A row as the statement told it, and its key. */
    private record Returned(Map<String, String> columns, List<String> key) {}

    void run(int rows) throws SQLException {
        String expressions = Stream.concat(
                        target.columns().stream().map(column -> column.beginning(statement.reference())),
                        target.key().stream().map(column -> column.value(statement.reference())))
                .collect(Collectors.joining(", "));
        try (Statement sending = connection.createStatement()) {
            sending.setEscapeProcessing(false);
            sending.setMaxRows(rows);
            try (ResultSet row = sending.executeQuery(statement.returning(expressions))) {
                while (row.next() && characters < MOST_CHARACTERS) {
                    List<String> key = new ArrayList<>();
                    for (int i = 1; i <= target.key().size(); i++) {
                        key.add(String.valueOf(row.getString(target.columns().size() + i)));
                    }
                    returned.add(new Returned(columns(row), key));
                }
            }
        }
    }

    /** The rows, once the statement is undone. */
    List<SampleRow> rows() throws SQLException {
        List<SampleRow> rows = new ArrayList<>();
        for (Returned row : returned) {
            rows.add(
                    switch (statement.tag()) {
                        case DELETE -> new SampleRow(row.columns(), Map.of());
                        case UPDATE -> new SampleRow(before(row), row.columns());
                        default -> new SampleRow(Map.of(), row.columns());
                    });
        }
        return rows;
    }

    private Map<String, String> before(Returned row) throws SQLException {
        if (!keyStays || characters >= MOST_CHARACTERS) {
            return Map.of();
        }
        String sql = "SELECT "
                + target.columns().stream().map(column -> column.beginning(ROW)).collect(Collectors.joining(", "))
                + " FROM " + target.name().quoted() + " AS " + ROW + " WHERE "
                + target.key().stream()
                        .map(column -> ROW + "." + RelationName.quote(column.name()) + " OPERATOR(pg_catalog.=) ?::"
                                + column.type())
                        .collect(Collectors.joining(" AND "));
        try (PreparedStatement select = connection.prepareStatement(sql)) {
            for (int i = 0; i < row.key().size(); i++) {
                select.setString(i + 1, row.key().get(i));
            }
            try (ResultSet found = select.executeQuery()) {
                return found.next() ? columns(found) : Map.of();
            }
        }
    }

    private Map<String, String> columns(ResultSet row) throws SQLException {
        Map<String, String> columns = new LinkedHashMap<>();
        for (int i = 0; i < target.columns().size(); i++) {
            Column column = target.columns().get(i);
            String text = column.shown() ? text(row.getString(i + 1)) : MASKED;
            characters += column.name().length() + text.length();
            columns.put(column.name(), text);
        }
        return columns;
    }

    private static String text(@Nullable String beginning) {
        if (beginning == null) {
            return NULL;
        }
        return beginning.length() <= SampleTarget.WIDEST_VALUE
                ? beginning
                : beginning.substring(0, SampleTarget.WIDEST_VALUE) + CUT;
    }
}
