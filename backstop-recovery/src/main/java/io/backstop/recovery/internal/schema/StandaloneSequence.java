package io.backstop.recovery.internal.schema;

import io.backstop.recovery.internal.sql.RecoveryTransaction;
import io.backstop.recovery.internal.text.SqlScript;
import io.backstop.snapshot.schema.PrerequisiteKind;
import io.backstop.snapshot.schema.TableDescription.Prerequisite;

import java.sql.SQLException;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A sequence that no table owns and that is there, though it may be another of the name: what it gave before must not be given
 * again, so that it goes on after that. It never goes back. Stateless.
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

    private StandaloneSequence() {}

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
