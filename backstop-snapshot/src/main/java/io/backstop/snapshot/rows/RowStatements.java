package io.backstop.snapshot.rows;

import io.backstop.api.analysis.RelationName;
import io.backstop.snapshot.archive.CopyFormat;

import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * The statements that read the rows of one table: all that are not large by one COPY, which notes where the others are, and
 * the values of those in slices. Immutable, thread-safe.
 *
 * @param large how many bytes of values make a row large
 */
record RowStatements(
        RelationName table,
        List<ColumnWidth> columns,
        CopyFormat format,
        String encoding,
        long stored,
        int large,
        int sliceBytes) {
    /** A setting of the transaction, in which the server notes the places of large rows. */
    private static final String PLACES = "'backstop.large_rows'";

    /** The most that pglz and lz4 make of a compressed byte (lz4 documentation, lz4_Block_format). */
    private static final int LARGEST_RATIO = 255;

    /** Whether the server has to look at the rows: at what it knows of some columns, and at what it writes of others. */
    boolean mayBeLarge() {
        return isMeasured() || (has(ColumnWidth.Kind.COUNTED) && stored * LARGEST_RATIO > most());
    }

    /** Whether values have to be written to know how large they are. */
    boolean isMeasured() {
        return has(ColumnWidth.Kind.MEASURED);
    }

    List<ColumnWidth> measured() {
        return columns.stream().filter(this::isMeasured).toList();
    }

    private boolean has(ColumnWidth.Kind kind) {
        return columns.stream().anyMatch(column -> kind(column) == kind);
    }

    private ColumnWidth.Kind kind(ColumnWidth column) {
        return bounds(ColumnWidth::kind) > large / 2 ? column.kindAmongMany() : column.kind();
    }

    private boolean isMeasured(ColumnWidth column) {
        return kind(column) == ColumnWidth.Kind.MEASURED;
    }

    private long bounds(Function<ColumnWidth, ColumnWidth.Kind> kinds) {
        return columns.stream()
                .filter(column -> kinds.apply(column) == ColumnWidth.Kind.BOUNDED)
                .mapToLong(ColumnWidth::longest)
                .sum();
    }

    /** What the values that are not bounded may have together. */
    private long most() {
        long rest = large - Math.min(bounds(this::kind), large / 2);
        return switch (format) {
            case BINARY -> rest;
            case TEXT -> rest / 2; // each byte may be escaped
        };
    }

    /** All rows of the table, where none can be large. */
    String whole() {
        return "COPY " + table.quoted() + (columns.isEmpty() ? "" : " (" + list() + ")") + " TO STDOUT " + options();
    }

    /** The rows of which the condition is true, where none can be large. */
    String where(String condition) {
        return "COPY (SELECT " + list() + " FROM ONLY " + table.quoted() + " WHERE " + condition + ") TO STDOUT "
                + options();
    }

    /**
     * The same rows but those that are large. OFFSET 0 has each value written once, and keeps the look at it behind the
     * condition.
     */
    String notLarge(String condition) {
        return "COPY (SELECT " + list() + " FROM (SELECT " + written() + ", ctid FROM ONLY " + table.quoted()
                + (condition.isEmpty() ? "" : " WHERE " + condition) + " OFFSET 0) r WHERE (" + isLarge()
                + ") IS NOT TRUE OR pg_catalog.set_config(" + PLACES + ", pg_catalog.concat(pg_catalog.current_setting("
                + PLACES + "), ctid, ' '), true) IS NULL) TO STDOUT " + options();
    }

    private String written() {
        return columns.stream()
                .map(column -> isMeasured(column) ? column.written(format) + " AS " + column.quoted() : column.quoted())
                .collect(Collectors.joining(", "));
    }

    /** First whether one value alone takes its share, which is false of nearly all rows and cheap. */
    private String isLarge() {
        List<String> lengths = columns.stream()
                .filter(column -> kind(column) != ColumnWidth.Kind.BOUNDED)
                .map(column -> "pg_catalog.octet_length(" + column.quoted() + ")")
                .toList();
        long share = most() / lengths.size();
        return lengths.stream().map(length -> length + " > " + share).collect(Collectors.joining(" OR ", "(", ")"))
                + lengths.stream()
                        .map(length -> "coalesce(" + length + ", 0)::pg_catalog.int8")
                        .collect(Collectors.joining(" + ", " AND ", " > " + most()));
    }

    /** Before {@link #notLarge}. */
    static String noPlaces() {
        return "SELECT pg_catalog.set_config(" + PLACES + ", '', true)";
    }

    /** After it: the places of large rows. */
    static String places() {
        return "SELECT p FROM pg_catalog.unnest(pg_catalog.string_to_array(pg_catalog.current_setting(" + PLACES
                + "), ' ')) p WHERE p <> ''";
    }

    /**
     * The value of a row's column in slices: for each the length of the whole value, and the slice. One row for a value without
     * bytes, whose slice is NULL, and so is its length where it is NULL itself. The server writes the value once.
     *
     * @param condition is true of this row alone
     */
    String slices(ColumnWidth column, String condition) {
        return "COPY (SELECT pg_catalog.octet_length(v), pg_catalog.substring(v, g, " + sliceBytes + ") FROM (SELECT "
                + column.bytes(format) + " AS v FROM ONLY " + table.quoted() + " WHERE " + condition
                + " OFFSET 0) r LEFT JOIN LATERAL pg_catalog.generate_series(1, pg_catalog.octet_length(v), "
                + sliceBytes
                + ") g ON true) TO STDOUT (FORMAT binary)";
    }

    /** Fails where the server cannot write one of the column's values. */
    String writeAll(ColumnWidth column, String condition) {
        return "SELECT pg_catalog.count(" + column.written(format) + ") FROM ONLY " + table.quoted()
                + (condition.isEmpty() ? "" : " WHERE " + condition);
    }

    private String options() {
        return format.options(encoding);
    }

    private String list() {
        return columns.stream().map(ColumnWidth::quoted).collect(Collectors.joining(", "));
    }
}
