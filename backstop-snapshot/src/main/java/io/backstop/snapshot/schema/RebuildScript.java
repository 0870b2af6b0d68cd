package io.backstop.snapshot.schema;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.SnapshotManifest.Chunk;
import io.backstop.snapshot.schema.TableSql.Piece;

import java.util.List;
import java.util.stream.Collectors;

/**
 * Writes a script for psql that makes a table again under its own name and fills it, to be run in the folder of its
 * snapshot when Backstop is not at hand. All or nothing: {@code psql -1 -v ON_ERROR_STOP=1 -f schema.sql}.
 */
public final class RebuildScript {
    private static final String HEAD = """
            -- Makes %s again and fills it with the rows of this snapshot.
            -- Run it where the snapshot's objects lie, with zstd in the path:
            --     psql -1 -v ON_ERROR_STOP=1 -f schema.sql
            -- Objects that hang on several tables are in the script of each; skip what is there already.
            \\encoding UTF8
            SET LOCAL search_path = pg_catalog;
            SET LOCAL standard_conforming_strings = on;
            SET LOCAL check_function_bodies = off;
            SET LOCAL row_security = off;
            SET LOCAL datestyle = 'ISO, YMD';
            SET LOCAL intervalstyle = 'postgres';
            SET LOCAL timezone = 'UTC';
            SET LOCAL lc_monetary = 'C';
            SET LOCAL array_nulls = on;
            """;

    private RebuildScript() {}

    /**
     * @param columns the columns of the rows, in their order
     * @param chunks the objects that hold them, in order
     * @param options what COPY has to be told of them, in parentheses
     */
    public static String of(TableDescription table, List<String> columns, List<Chunk> chunks, String options) {
        TableSql sql = new TableSql(table, PartNames.original(table));
        StringBuilder script = new StringBuilder(HEAD.formatted(oneLine(table.schema() + "." + table.name())));
        prerequisites(script, table);
        script.append('\n');
        sql.beforeRows().forEach(piece -> append(script, piece));
        script.append(rows(table, columns, chunks, options));
        append(script, sql.afterRows().stream().map(Piece::sql).toList());
        append(script, List.of(ownership(table)));
        append(
                script,
                sql.foreignKeys().stream()
                        .map(key -> sql.addConstraint(key, key.definition()))
                        .toList());
        append(script, sql.comments(List.of()).stream().map(Piece::sql).toList());
        table.dependents().forEach(dependent -> append(script, dependent.sql()));
        table.omissions()
                .forEach(omission ->
                        script.append("\n-- ").append(oneLine(omission)).append('\n'));
        return script.toString();
    }

    /** The script of what is no table: it makes what is missing of it. */
    public static String ofObject(TableDescription object) {
        StringBuilder script = new StringBuilder(HEAD.formatted(oneLine(object.schema() + "." + object.name())));
        prerequisites(script, object);
        return script.toString();
    }

    private static void prerequisites(StringBuilder script, TableDescription table) {
        table.prerequisites().forEach(p -> {
            script.append("\n-- ")
                    .append(oneLine(p.kind() + " " + p.identity()))
                    .append('\n');
            script.append("SELECT NOT (")
                    .append(p.kind().existenceOf(p.identity()))
                    .append(") AS missing \\gset\n\\if :missing\n");
            append(script, p.sql());
            script.append("\\endif\n");
        });
    }

    private static String ownership(TableDescription table) {
        return "ALTER TABLE " + RelationName.of(table.schema(), table.name()).quoted() + " OWNER TO "
                + RelationName.quote(table.owner());
    }

    /** A server may be built without lz4; then the column keeps the default. */
    private static void append(StringBuilder script, Piece piece) {
        boolean conditional = piece.sql().endsWith(" SET COMPRESSION lz4");
        if (conditional) {
            script.append("SELECT 'lz4' = ANY (enumvals) AS known FROM pg_settings "
                    + "WHERE name = 'default_toast_compression' \\gset\n\\if :known\n");
        }
        append(script, List.of(piece.sql()));
        if (conditional) {
            script.append(
                    "\\else\n\\warn 'this server was built without lz4, so the default compression is kept for the "
                            + "settings of a column'\n\\endif\n");
        }
    }

    private static void append(StringBuilder script, List<String> statements) {
        statements.forEach(statement -> script.append(statement).append(";\n"));
    }

    /** A command of psql ends with its line, so names with line breaks are beyond it. */
    private static String rows(TableDescription table, List<String> columns, List<Chunk> chunks, String options) {
        if (chunks.isEmpty()) {
            return "\n-- It had no rows of its own.\n\n";
        }
        String target = RelationName.of(table.schema(), table.name()).quoted()
                + (columns.isEmpty()
                        ? ""
                        : columns.stream().map(RelationName::quote).collect(Collectors.joining(", ", " (", ")")));
        if (target.lines().count() != 1) {
            return "\n-- Rows: zstd -dc of " + String.join(", of ", streams(chunks)) + ", each into COPY … FROM STDIN "
                    + options + " of the columns in order.\n\n";
        }
        return streams(chunks).stream()
                .map(names -> "\\copy " + target + " FROM PROGRAM 'zstd -dc " + names + "' " + options + "\n")
                .collect(Collectors.joining("", "\n", "\n"));
    }

    /** The names of the objects of each COPY stream; a large row is in several. */
    private static List<String> streams(List<Chunk> chunks) {
        return Chunk.streams(chunks).stream()
                .map(stream -> stream.stream().map(Chunk::name).collect(Collectors.joining(" ")))
                .toList();
    }

    private static String oneLine(String text) {
        return text.replaceAll("\\R", " ");
    }
}
