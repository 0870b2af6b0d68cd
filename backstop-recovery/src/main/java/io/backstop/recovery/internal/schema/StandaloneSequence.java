package io.backstop.recovery.internal.schema;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.internal.postgres.SqlSpelling;
import io.backstop.recovery.internal.sql.RecoveryTransaction;
import io.backstop.recovery.internal.text.FreeNames;
import io.backstop.recovery.internal.text.SqlScript;
import io.backstop.snapshot.schema.PrerequisiteKind;
import io.backstop.snapshot.schema.TableDescription.Prerequisite;
import io.backstop.snapshot.schema.TableDescription.Sequence;

import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * A sequence that is there and that no table which comes back owns, though it may be another of the name: what it gave before
 * must not be given again, so that it, or what takes its name, goes on after that. None goes back. Stateless.
 */
public final class StandaloneSequence {
    /** As a description writes it. */
    private static final Pattern VALUE =
            Pattern.compile("SELECT pg_catalog\\.setval\\('((?:[^']|'')*)', (-?[0-9]{1,19})\\)");

    /** One that goes in a circle gives its numbers again in any case. The last number is NULL before the first one. */
    private static final String BEHIND = """
            SELECT NOT s.seqcycle AND has_sequence_privilege(s.seqrelid, 'SELECT, USAGE')
                       AND CASE WHEN s.seqincrement > 0 THEN coalesce(pg_sequence_last_value(s.seqrelid) < v, true)
                           ELSE coalesce(pg_sequence_last_value(s.seqrelid) > v, true) END,
                   v BETWEEN s.seqmin AND s.seqmax AND has_sequence_privilege(s.seqrelid, 'UPDATE'),
                   s.seqincrement > 0
            FROM pg_sequence s, CAST(? AS bigint) v WHERE s.seqrelid = to_regclass(?)
            """;

    /** One by that name that no column owns, and from which none draws but those of some tables. */
    private static final String STRAY =
            "EXISTS (SELECT FROM pg_class c WHERE c.oid = to_regclass(?) AND c.relkind = 'S' "
                    + "AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid "
                    + "AND d.deptype IN ('a', 'i')) AND NOT EXISTS (SELECT FROM pg_depend d LEFT JOIN pg_attrdef a "
                    + "ON d.classid = 'pg_attrdef'::regclass AND a.oid = d.objid WHERE d.refclassid = 'pg_class'::regclass "
                    + "AND d.refobjid = c.oid AND d.deptype = 'n' AND NOT coalesce(a.adrelid = ANY (ARRAY[%s]::oid[]), false)))";

    private StandaloneSequence() {}

    /**
     * Makes room for the sequence of a table that comes back, where another one goes by its name that was the column's, and was
     * taken from it. One that others own or draw from keeps its name: numbers of two sequences would meet.
     *
     * @param tables those that come back or make way
     * @param names those that are free in the schema
     * @param warnings are added to
     * @return the name that the other one gets
     */
    public static Optional<RelationName> setAside(
            RecoveryTransaction transaction,
            SqlScript script,
            Sequence sequence,
            List<RelationName> tables,
            FreeNames names,
            List<String> warnings)
            throws SQLException {
        RelationName name = RelationName.of(sequence.schema(), sequence.name());
        String known = tables.stream()
                .map(table -> SqlSpelling.literal(table.quoted()) + "::regclass")
                .collect(Collectors.joining(", "));
        if (!transaction.holds(STRAY.formatted(known), name.quoted())) {
            return Optional.empty();
        }
        RelationName other =
                RelationName.of(sequence.schema(), names.claim(FreeNames.withEnd(name.name(), "_set_aside")));
        boolean beyond = transaction.holds("(SELECT is_called AND last_value NOT BETWEEN " + sequence.minimum()
                + " AND " + sequence.maximum() + " FROM " + name.quoted() + ")");
        String warning = "sequence " + name + " is there and is no column's any more: it becomes " + other
                + (beyond
                        ? ", and its last number lies outside the bounds of the restored one, which cannot go on after it"
                        : ", and the restored one goes on after it");
        warnings.add(warning);
        script.note(warning);
        script.run("ALTER SEQUENCE " + name.quoted() + " RENAME TO " + RelationName.quote(other.name()));
        return Optional.of(other);
    }

    /**
     * Writes what moves it on, where it is behind. A number that is given is given for good: nothing is tried here.
     *
     * @param warnings are added to, where it cannot be moved
     */
    public static void write(
            RecoveryTransaction transaction, SqlScript script, Prerequisite stored, List<String> warnings)
            throws SQLException {
        if (stored.kind() != PrerequisiteKind.SEQUENCE) {
            return;
        }
        for (String sql : stored.sql()) {
            Matcher value = VALUE.matcher(sql);
            if (value.matches()) {
                String name = value.group(1).replace("''", "'");
                List<List<String>> found = transaction.rows(BEHIND, value.group(2), name);
                if (!found.isEmpty() && found.get(0).get(0).equals("t")) {
                    write(script, stored, value, found.get(0), warnings);
                }
            }
        }
    }

    private static void write(
            SqlScript script, Prerequisite stored, Matcher value, List<String> found, List<String> warnings) {
        String words = stored.kind() + " " + stored.identity();
        String last = "pg_catalog.pg_sequence_last_value('" + value.group(1) + "'::pg_catalog.regclass)";
        String behind =
                " WHERE coalesce(" + last + (found.get(2).equals("t") ? " < " : " > ") + value.group(2) + ", true)";
        if (found.get(1).equals("t")) {
            script.part(words + " goes on after the last number that it gave");
            script.run(value.group() + behind, "SELECT " + last);
        } else {
            String warning = words + " gave numbers up to " + value.group(2)
                    + ", and this role cannot move it there, or its bounds do not allow it";
            warnings.add(warning);
            script.part(warning);
            script.commentOut(value.group() + behind);
        }
    }
}
