package io.backstop.recovery.internal.schema;

import io.backstop.recovery.internal.sql.RecoveryTransaction;
import io.backstop.recovery.internal.text.SqlScript;
import io.backstop.snapshot.schema.PrerequisiteKind;
import io.backstop.snapshot.schema.TableDescription.Prerequisite;

import java.sql.SQLException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A sequence that no table owns and that is there, though it may be another of the name: what it gave before must not be given
 * again, so that it goes on after that. It never goes back. Stateless.
 */
public final class StandaloneSequence {
    private static final Pattern VALUE =
            Pattern.compile("SELECT pg_catalog\\.setval\\('((?:[^']|'')*)', (-?[0-9]+)\\)");

    private static final String INCREMENT = "SELECT seqincrement > 0 FROM pg_sequence WHERE seqrelid = to_regclass(?)";

    private StandaloneSequence() {}

    /** Writes what moves it on, where it is behind. A number that is given is given for good: nothing is tried here. */
    public static void write(RecoveryTransaction transaction, SqlScript script, Prerequisite stored)
            throws SQLException {
        if (stored.kind() != PrerequisiteKind.SEQUENCE) {
            return;
        }
        for (String sql : stored.sql()) {
            Matcher value = VALUE.matcher(sql);
            if (value.matches()) {
                String name = value.group(1).replace("''", "'");
                boolean ascending = transaction.holds("(" + INCREMENT + ")", name);
                String behind = " FROM " + name + " WHERE last_value " + (ascending ? "<" : ">") + " " + value.group(2)
                        + " OR NOT is_called AND last_value = " + value.group(2);
                if (transaction.holds("EXISTS (SELECT" + behind + ")")) {
                    script.part(
                            stored.kind() + " " + stored.identity() + " goes on after the last number that it gave");
                    script.run(sql + behind, "SELECT last_value" + behind);
                }
            }
        }
    }
}
