package io.backstop.recovery.internal.copyback;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.internal.postgres.SqlSpelling;
import io.backstop.recovery.internal.sql.RecoveryTransaction;
import io.backstop.recovery.internal.sql.ServerErrors;
import io.backstop.recovery.internal.text.SqlFragments;
import io.backstop.snapshot.schema.TableDescription;
import io.backstop.snapshot.schema.TableDescription.Column;
import io.backstop.snapshot.schema.TableDescription.Generated;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * A column of a present table whose values go into the one that takes its place. Immutable.
 *
 * @param type its type there
 * @param from its type in the present table
 * @param always whether values are generated there unless they are insisted on
 * @param hasWayBack whether the server converts its type to the one in the present table; else its text is read
 */
record MergedColumn(String name, String type, String from, boolean always, boolean hasWayBack) {
    private static final String CANNOT_COERCE = "42846";

    private static final String VIOLATION = "23";

    /** Each has the values of those before it. */
    private static final List<String> INTEGERS = List.of("smallint", "integer", "bigint", "numeric");

    /** Those that both have, and that the restored table does not compute. */
    static List<MergedColumn> common(
            RecoveryTransaction transaction, TableDescription restored, TableDescription present) throws SQLException {
        List<MergedColumn> columns = new ArrayList<>();
        for (Column column : restored.columns()) {
            Optional<Column> now = find(present, column.name());
            if (now.isPresent() && !isComputed(column)) {
                String from = now.get().type();
                columns.add(new MergedColumn(
                        column.name(),
                        column.type(),
                        from,
                        column.generated() == Generated.IDENTITY_ALWAYS,
                        column.type().equals(from) || converts(transaction, column.type(), from)));
            }
        }
        return columns;
    }

    private static boolean converts(RecoveryTransaction transaction, String type, String to) throws SQLException {
        try {
            transaction.attempt("SELECT CAST(CAST(NULL AS " + type + ") AS " + to + ")");
            return true;
        } catch (SQLException e) {
            if (ServerErrors.state(e).equals(CANNOT_COERCE)) {
                return false;
            }
            if (ServerErrors.state(e).startsWith(VIOLATION)) {
                return true; // a domain without NULLs
            }
            throw e;
        }
    }

    static Optional<Column> find(TableDescription table, String name) {
        return table.columns().stream().filter(c -> c.name().equals(name)).findFirst();
    }

    static boolean isComputed(Column column) {
        return switch (column.generated()) {
            case STORED, VIRTUAL -> true;
            case NO, IDENTITY_ALWAYS, IDENTITY_BY_DEFAULT -> false;
        };
    }

    boolean isConverted() {
        return !type.equals(from);
    }

    /** The present value, as the restored table takes it. By its text, for that is what no conversion rounds or cuts. */
    String value(String row) {
        String value = row + "." + RelationName.quote(name);
        return isConverted() ? "CAST(" + value + "::text AS " + type + ")" : value;
    }

    /** Whether a value is not the same any more once it was converted: SQL with the row as {@code present}. */
    private String isLost() {
        return "CAST(" + value("present") + (hasWayBack ? "" : "::text") + " AS " + from
                + ")::text COLLATE \"C\" IS DISTINCT FROM present." + RelationName.quote(name) + "::text COLLATE \"C\"";
    }

    /** Whether each value of the present type is one of the other, too. What is written otherwise in jsonb is the same document. */
    private boolean keepsValues() {
        return type.equals(from)
                || type.equals("text")
                || (from.equals("json") && type.equals("jsonb"))
                || (INTEGERS.contains(from) && INTEGERS.indexOf(type) > INTEGERS.indexOf(from));
    }

    /** The rows of a table as the restored one takes them, under the name {@code since}. */
    static String rows(List<MergedColumn> columns, String from) {
        return "(SELECT "
                + columns.stream()
                        .map(c -> c.value("present") + " AS " + RelationName.quote(c.name()))
                        .collect(Collectors.joining(", "))
                + " FROM " + from + " AS present) AS since";
    }

    /** Fails where values of the column do not stay what they are. */
    Optional<String> check(String from, String table) {
        return keepsValues()
                ? Optional.empty()
                : Optional.of("DO "
                        + SqlFragments.dollarQuoted(
                                """
                                BEGIN
                                    IF EXISTS (SELECT FROM %s AS present WHERE %s) THEN
                                        RAISE EXCEPTION '%%', %s USING ERRCODE = '23000';
                                    END IF;
                                END""".formatted(from, isLost(), SqlSpelling.literal(problem(table)))));
    }

    /**
     * The same, and names some of the rows.
     *
     * @param key the columns that rows are named by
     */
    Optional<String> thoroughCheck(List<String> key, String from, String table) {
        return keepsValues()
                ? Optional.empty()
                : Optional.of("DO "
                        + SqlFragments.dollarQuoted("""
                                #variable_conflict use_column
                                DECLARE
                                    item record;
                                    wrong boolean;
                                    named text[] := '{}';
                                BEGIN
                                    BEGIN
                                        IF NOT EXISTS (SELECT FROM %1$s AS present WHERE %2$s) THEN
                                            RETURN;
                                        END IF;
                                    EXCEPTION WHEN data_exception OR integrity_constraint_violation THEN
                                        NULL;
                                    END;
                                    FOR item IN SELECT %3$s AS words, present.%4$s FROM %1$s AS present LOOP
                                        BEGIN
                                            SELECT %2$s INTO wrong FROM (SELECT item.%4$s AS %4$s) AS present;
                                        EXCEPTION WHEN data_exception OR integrity_constraint_violation THEN
                                            wrong := true;
                                        END;
                                        IF wrong THEN
                                            named := named || item.words;
                                            EXIT WHEN cardinality(named) = 10;
                                        END IF;
                                    END LOOP;
                                    RAISE EXCEPTION '%%: %%', %5$s, array_to_string(named, ', ') USING ERRCODE = '23000';
                                END""".formatted(
                                        from,
                                        isLost(),
                                        named(key, "present"),
                                        RelationName.quote(name),
                                        SqlSpelling.literal(problem(table) + ", in rows"))));
    }

    private String problem(String table) {
        return "values of column " + name + " of table " + table + " are not the same any more as " + type;
    }

    /** A row for people: its key, for other values are nobody's business. */
    static String named(List<String> key, String row) {
        return key.isEmpty() ? "'one without a key'" : "ROW(" + SqlFragments.list(row + ".", key) + ")::text";
    }
}
