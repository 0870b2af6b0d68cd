package io.backstop.jdbc.internal.analysis.rule;

import io.backstop.api.analysis.CommandTag;

import java.util.EnumSet;
import java.util.Set;

/** Commands that run code of their text or of a definition. Stateless, thread-safe. */
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
            CommandTag.ALTER_DOMAIN,
            CommandTag.ALTER_MATERIALIZED_VIEW,
            CommandTag.ALTER_TABLE,
            CommandTag.ALTER_TYPE,
            CommandTag.ANALYZE,
            CommandTag.CLUSTER,
            CommandTag.CREATE_INDEX,
            CommandTag.REINDEX,
            CommandTag.REPACK,
            CommandTag.VACUUM);

    /** They evaluate the bounds of a partition, and may look through the rows of a default one. */
    private static final Set<CommandTag> CREATING_PARTITIONS =
            EnumSet.of(CommandTag.CREATE_TABLE, CommandTag.CREATE_FOREIGN_TABLE, CommandTag.CREATE_SCHEMA);

    /** In these an expression may stand that is parsed and stored. */
    private static final Set<CommandTag> STORING =
            EnumSet.range(CommandTag.CREATE_ACCESS_METHOD, CommandTag.ALTER_VIEW);

    /** With these an event trigger fires (PostgreSQL documentation, Event Trigger Firing Matrix). */
    private static final Set<CommandTag> DEFINING = EnumSet.range(CommandTag.GRANT, CommandTag.DROP_VIEW);

    static {
        DEFINING.add(CommandTag.SELECT_INTO);
        DEFINING.add(CommandTag.REFRESH_MATERIALIZED_VIEW);
        DEFINING.add(CommandTag.REINDEX);
        DEFINING.removeAll(EnumSet.of(
                CommandTag.ALTER_DATABASE,
                CommandTag.ALTER_EVENT_TRIGGER,
                CommandTag.ALTER_GROUP,
                CommandTag.ALTER_ROLE,
                CommandTag.ALTER_SYSTEM,
                CommandTag.ALTER_TABLESPACE,
                CommandTag.ALTER_USER,
                CommandTag.CREATE_DATABASE,
                CommandTag.CREATE_EVENT_TRIGGER,
                CommandTag.CREATE_GROUP,
                CommandTag.CREATE_ROLE,
                CommandTag.CREATE_TABLESPACE,
                CommandTag.CREATE_USER,
                CommandTag.DROP_DATABASE,
                CommandTag.DROP_EVENT_TRIGGER,
                CommandTag.DROP_GROUP,
                CommandTag.DROP_ROLE,
                CommandTag.DROP_TABLESPACE,
                CommandTag.DROP_USER));
    }

    private EvaluatingCommands() {}

    /** Whether it reads or writes rows, and makes no names itself. */
    public static boolean onRows(CommandTag command) {
        return ON_ROWS.contains(command);
    }

    /** Whether it makes, changes or removes a definition, so that an event trigger may fire with it. */
    public static boolean defines(CommandTag command) {
        return DEFINING.contains(command);
    }

    /** Whether tables that it names may be built, checked or moved by what their definitions say. */
    public static boolean rebuilds(CommandTag command) {
        return evaluates(command) || CREATING_PARTITIONS.contains(command);
    }

    /** Whether it parses expressions, and evaluates none of them. */
    public static boolean stores(CommandTag command) {
        return STORING.contains(command) && !evaluates(command);
    }

    /** Whether it evaluates what stands in its text. */
    public static boolean evaluates(CommandTag command) {
        return ON_ROWS.contains(command) || OTHERS.contains(command);
    }
}
