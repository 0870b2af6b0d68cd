package io.backstop.cli.undo;

import io.backstop.recovery.model.UndoConflict;
import io.backstop.recovery.model.UndoReport;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** What an undo did, in words. */
final class UndoText {
    private UndoText() {}

    static String word(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT);
    }

    static List<String> lines(UndoReport report) {
        List<String> lines = new ArrayList<>();
        report.notes().forEach(note -> lines.add("note: " + note));
        report.tables().forEach(table -> lines.add(table.name() + ": " + counts(table)));
        report.conflicts().forEach(conflict -> lines.add("  " + conflict(conflict)));
        long more = report.tables().stream()
                        .mapToLong(UndoReport.Table::conflicts)
                        .sum()
                - report.conflicts().stream().mapToLong(UndoConflict::rows).sum();
        if (more > 0) {
            lines.add("  and " + more + " more rows");
        }
        switch (report.outcome()) {
            case UNDONE ->
                lines.add(report.change() + " is undone, as " + report.undo().orElseThrow()
                        + "; `backstop undo` with that id takes this back");
            case POSSIBLE -> lines.add("dry run: nothing was changed");
            case NOTHING_TO_DO ->
                lines.add("there is nothing to undo: the rows are as they were before "
                        + report.change()
                        + (report.hasConflicts() ? ", but for those that were changed since" : ""));
            case REFUSED -> {
                // The error says it.
            }
        }
        return lines;
    }

    private static String counts(UndoReport.Table table) {
        String counts = Stream.of(
                        count(table.returned(), "come back"),
                        count(table.updated(), "get their earlier values"),
                        count(table.removed(), "are removed"),
                        count(table.unchanged(), "are as they were"),
                        count(table.notTouched(), "were changed by others alone and stay"),
                        count(table.conflicts(), "were changed since and stay"))
                .filter(part -> !part.isEmpty())
                .collect(Collectors.joining("; "));
        return counts.isEmpty() ? "no rows" : "rows that " + counts;
    }

    private static String count(long rows, String what) {
        return rows == 0 ? "" : what + ": " + rows;
    }

    /** With the values of its key: for the terminal of the one who undoes. */
    private static String conflict(UndoConflict conflict) {
        String row = conflict.key().isEmpty()
                ? conflict.rows() + " rows of " + conflict.table() + ", which has no key:"
                : conflict.table() + " ("
                        + conflict.key().entrySet().stream()
                                .map(column -> column.getKey() + " = " + column.getValue())
                                .collect(Collectors.joining(", "))
                        + ")";
        return row + " " + conflict.reason().words()
                + conflict.constraint().map(name -> " (" + name + ")").orElse("");
    }

    /** For the audit: counts and names of tables, no values. */
    static String recorded(UndoReport report) {
        String rows = report.tables().stream()
                .map(table -> table.name() + " " + table.returned() + " returned, " + table.updated() + " updated, "
                        + table.removed() + " removed, " + table.conflicts() + " changed since")
                .collect(Collectors.joining("; "));
        return switch (report.outcome()) {
            case UNDONE -> report.change() + " undone as " + report.undo().orElseThrow() + ": " + rows;
            case REFUSED -> report.change() + " refused: " + rows;
            case NOTHING_TO_DO, POSSIBLE -> report.change() + " nothing to undo: " + rows;
        };
    }
}
