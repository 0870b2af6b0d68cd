package io.backstop.jdbc.internal.analysis.rule;

import io.backstop.api.analysis.CommandTag;

import java.util.EnumSet;
import java.util.Set;

/** Commands that evaluate the expressions, or run the query, that stand in their text. Stateless, thread-safe. */
public final class EvaluatingCommands {
    private static final Set<CommandTag> ON_ROWS = EnumSet.of(
            CommandTag.SELECT,
            CommandTag.SELECT_INTO,
            CommandTag.INSERT,
            CommandTag.UPDATE,
            CommandTag.DELETE,
            CommandTag.MERGE,
            CommandTag.EXPLAIN,
            CommandTag.EXPLAIN_ANALYZE,
            CommandTag.DECLARE_CURSOR,
            CommandTag.COPY,
            CommandTag.COPY_FROM,
            CommandTag.COPY_TO,
            CommandTag.COPY_PROGRAM);

    /** Parsing runs code, too: the input function of a literal's type, and with it the CHECK of a domain. */
    private static final Set<CommandTag> OTHERS = EnumSet.of(
            CommandTag.PREPARE,
            CommandTag.EXECUTE,
            CommandTag.CREATE_TABLE_AS,
            CommandTag.CREATE_MATERIALIZED_VIEW,
            CommandTag.REFRESH_MATERIALIZED_VIEW,
            CommandTag.ALTER_TABLE);

    private EvaluatingCommands() {}

    /** Whether it reads or writes rows, and makes no names itself. */
    public static boolean onRows(CommandTag command) {
        return ON_ROWS.contains(command);
    }

    public static boolean evaluates(CommandTag command) {
        return ON_ROWS.contains(command) || OTHERS.contains(command);
    }
}
