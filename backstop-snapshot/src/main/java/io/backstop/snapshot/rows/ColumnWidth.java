package io.backstop.snapshot.rows;

import io.backstop.api.analysis.RelationName;
import io.backstop.snapshot.archive.CopyFormat;

import java.util.Set;

/**
 * How the server finds out, before it sends a row, how many bytes COPY writes for the value of a column. Immutable.
 *
 * @param name the column's name
 * @param type the type's name, of a domain that of what it is made from
 * @param builtIn whether it is a type of PostgreSQL's own
 * @param fixed whether all its values take the same few bytes
 * @param maxCharacters how many characters a value has at most; 0 where it can have any number
 * @param send the type's send function, to be written in a statement; empty where it has none
 * @param base the type that a domain is made from, to be written in a statement; empty of what is no domain
 */
record ColumnWidth(
        String name, String type, boolean builtIn, boolean fixed, int maxCharacters, String send, String base) {
    /** Of a value with a constant bound: more than any fixed type or label of an enum is written with. */
    private static final int SHORT = 512;

    /** 131,072 digits before the point and 16,383 after it (PostgreSQL documentation, 8.1.2). */
    private static final int LONGEST_NUMERIC = 150_000;

    /** A longer limit tells too little. */
    private static final int LONG = 4096;

    private static final int BYTES_OF_CHARACTER = 4;

    /** Their length is in their header: the server tells it without reading the value (varlena.c, {@code textoctetlen}). */
    private static final Set<String> COUNTED = Set.of("text", "varchar", "bpchar", "bytea");

    private static final Set<String> BOUNDED = Set.of("inet", "cidr", "numeric");

    /** How the size of a value is known. */
    enum Kind {
        /** It cannot be more than {@link #longest}. */
        BOUNDED,
        /** The server knows its length without reading it. */
        COUNTED,
        /** The value has to be written to know. */
        MEASURED
    }

    Kind kind() {
        if (builtIn && COUNTED.contains(type)) {
            return maxCharacters > 0 && maxCharacters <= LONG ? Kind.BOUNDED : Kind.COUNTED;
        }
        // What a type of an extension writes is not known.
        boolean bounded = builtIn && (fixed || BOUNDED.contains(type));
        return bounded ? Kind.BOUNDED : Kind.MEASURED;
    }

    /** The same where the table has so many columns that their bounds together are too much. */
    Kind kindAmongMany() {
        if (kind() != Kind.BOUNDED || longest() == SHORT) {
            return kind();
        }
        return COUNTED.contains(type) ? Kind.COUNTED : Kind.MEASURED;
    }

    /** The most bytes of a bounded value in either format, before text is escaped. */
    int longest() {
        return switch (type) {
            case "numeric" -> maxCharacters > 0 ? BYTES_OF_CHARACTER * maxCharacters : LONGEST_NUMERIC;
            default -> Math.max(SHORT, BYTES_OF_CHARACTER * maxCharacters);
        };
    }

    String quoted() {
        return RelationName.quote(name);
    }

    /** An expression of type bytea or text of which COPY writes the same bytes as of the column itself. */
    String written(CopyFormat format) {
        return switch (format) {
            // A polymorphic function, as that of enums is, does not take a domain.
            case BINARY -> send + "(" + (base.isEmpty() ? quoted() : "CAST(" + quoted() + " AS " + base + ")") + ")";
            // By the type's output function, and for a composite of nulls too, which IS NULL is true of.
            case TEXT ->
                "CASE WHEN pg_catalog.num_nulls(" + quoted() + ") = 0 THEN pg_catalog.concat(" + quoted() + ") END";
        };
    }

    /** An expression of type bytea: what COPY writes for the value, but in text not yet escaped. */
    String bytes(CopyFormat format) {
        boolean isText = builtIn && (type.equals("text") || type.equals("varchar"));
        return switch (format) {
            case BINARY -> written(format);
            case TEXT ->
                "pg_catalog.convert_to(" + (isText ? quoted() : written(format))
                        + ", pg_catalog.getdatabaseencoding())";
        };
    }
}
