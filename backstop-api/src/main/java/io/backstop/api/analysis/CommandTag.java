package io.backstop.api.analysis;

import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * The commands of PostgreSQL, as its command tags name them (PostgreSQL's src/include/tcop/cmdtaglist.h, and for what the
 * list there folds into one, such as CREATE USER or ROLLBACK TO SAVEPOINT, the pages of the documentation's part VI, SQL
 * Commands). Immutable, thread-safe.
 */
public enum CommandTag {
    /** Backstop's own: a text without a statement. */
    EMPTY,
    /** Backstop's own: a statement that the scanner does not understand. */
    UNRECOGNISED,

    // Queries; VALUES and TABLE are SELECT, as in the server.
    SELECT,
    SELECT_INTO,
    INSERT,
    UPDATE,
    DELETE,
    MERGE,
    TRUNCATE,

    // The server says COPY to all of them. Here COPY is the one from or to a file of the server.
    COPY,
    COPY_FROM,
    COPY_TO,
    COPY_PROGRAM,

    // The server says EXPLAIN to both, but EXPLAIN ANALYZE runs its statement.
    EXPLAIN,
    EXPLAIN_ANALYZE,

    PREPARE,
    EXECUTE,
    DEALLOCATE,
    DECLARE_CURSOR,
    FETCH,
    MOVE,
    CLOSE,
    CALL,
    DO,

    SET,
    SET_CONSTRAINTS,
    SET_ROLE,
    SET_SESSION_AUTHORIZATION,
    SET_TRANSACTION,
    RESET,
    SHOW,
    DISCARD,
    LISTEN,
    NOTIFY,
    UNLISTEN,
    LOAD,

    BEGIN,
    START_TRANSACTION,
    COMMIT,
    ROLLBACK,
    SAVEPOINT,
    RELEASE_SAVEPOINT,
    ROLLBACK_TO_SAVEPOINT,
    PREPARE_TRANSACTION,
    COMMIT_PREPARED,
    ROLLBACK_PREPARED,

    VACUUM,
    ANALYZE,
    CLUSTER,
    REPACK,
    REINDEX,
    REFRESH_MATERIALIZED_VIEW,
    LOCK,
    CHECKPOINT,
    WAIT,

    GRANT,
    REVOKE,
    REASSIGN_OWNED,
    COMMENT,
    SECURITY_LABEL,
    IMPORT_FOREIGN_SCHEMA,

    CREATE_ACCESS_METHOD,
    CREATE_AGGREGATE,
    CREATE_CAST,
    CREATE_COLLATION,
    CREATE_CONVERSION,
    CREATE_DATABASE,
    CREATE_DOMAIN,
    CREATE_EVENT_TRIGGER,
    CREATE_EXTENSION,
    CREATE_FOREIGN_DATA_WRAPPER,
    CREATE_FOREIGN_TABLE,
    CREATE_FUNCTION,
    CREATE_GROUP,
    CREATE_INDEX,
    CREATE_LANGUAGE,
    CREATE_MATERIALIZED_VIEW,
    CREATE_OPERATOR,
    CREATE_OPERATOR_CLASS,
    CREATE_OPERATOR_FAMILY,
    CREATE_POLICY,
    CREATE_PROCEDURE,
    CREATE_PUBLICATION,
    CREATE_ROLE,
    CREATE_RULE,
    CREATE_SCHEMA,
    CREATE_SEQUENCE,
    CREATE_SERVER,
    CREATE_STATISTICS,
    CREATE_SUBSCRIPTION,
    CREATE_TABLE,
    CREATE_TABLE_AS,
    CREATE_TABLESPACE,
    CREATE_TEXT_SEARCH_CONFIGURATION,
    CREATE_TEXT_SEARCH_DICTIONARY,
    CREATE_TEXT_SEARCH_PARSER,
    CREATE_TEXT_SEARCH_TEMPLATE,
    CREATE_TRANSFORM,
    CREATE_TRIGGER,
    CREATE_TYPE,
    CREATE_USER,
    CREATE_USER_MAPPING,
    CREATE_VIEW,

    ALTER_ACCESS_METHOD,
    ALTER_AGGREGATE,
    ALTER_CAST,
    ALTER_COLLATION,
    ALTER_CONVERSION,
    ALTER_DATABASE,
    ALTER_DEFAULT_PRIVILEGES,
    ALTER_DOMAIN,
    ALTER_EVENT_TRIGGER,
    ALTER_EXTENSION,
    ALTER_FOREIGN_DATA_WRAPPER,
    ALTER_FOREIGN_TABLE,
    ALTER_FUNCTION,
    ALTER_GROUP,
    ALTER_INDEX,
    ALTER_LANGUAGE,
    ALTER_LARGE_OBJECT,
    ALTER_MATERIALIZED_VIEW,
    ALTER_OPERATOR,
    ALTER_OPERATOR_CLASS,
    ALTER_OPERATOR_FAMILY,
    ALTER_POLICY,
    ALTER_PROCEDURE,
    ALTER_PUBLICATION,
    ALTER_ROLE,
    ALTER_ROUTINE,
    ALTER_RULE,
    ALTER_SCHEMA,
    ALTER_SEQUENCE,
    ALTER_SERVER,
    ALTER_STATISTICS,
    ALTER_SUBSCRIPTION,
    ALTER_SYSTEM,
    ALTER_TABLE,
    ALTER_TABLESPACE,
    ALTER_TEXT_SEARCH_CONFIGURATION,
    ALTER_TEXT_SEARCH_DICTIONARY,
    ALTER_TEXT_SEARCH_PARSER,
    ALTER_TEXT_SEARCH_TEMPLATE,
    ALTER_TRANSFORM,
    ALTER_TRIGGER,
    ALTER_TYPE,
    ALTER_USER,
    ALTER_USER_MAPPING,
    ALTER_VIEW,

    DROP_ACCESS_METHOD,
    DROP_AGGREGATE,
    DROP_CAST,
    DROP_COLLATION,
    DROP_CONVERSION,
    DROP_DATABASE,
    DROP_DOMAIN,
    DROP_EVENT_TRIGGER,
    DROP_EXTENSION,
    DROP_FOREIGN_DATA_WRAPPER,
    DROP_FOREIGN_TABLE,
    DROP_FUNCTION,
    DROP_GROUP,
    DROP_INDEX,
    DROP_LANGUAGE,
    DROP_MATERIALIZED_VIEW,
    DROP_OPERATOR,
    DROP_OPERATOR_CLASS,
    DROP_OPERATOR_FAMILY,
    DROP_OWNED,
    DROP_POLICY,
    DROP_PROCEDURE,
    DROP_PUBLICATION,
    DROP_ROLE,
    DROP_ROUTINE,
    DROP_RULE,
    DROP_SCHEMA,
    DROP_SEQUENCE,
    DROP_SERVER,
    DROP_STATISTICS,
    DROP_SUBSCRIPTION,
    DROP_TABLE,
    DROP_TABLESPACE,
    DROP_TEXT_SEARCH_CONFIGURATION,
    DROP_TEXT_SEARCH_DICTIONARY,
    DROP_TEXT_SEARCH_PARSER,
    DROP_TEXT_SEARCH_TEMPLATE,
    DROP_TRANSFORM,
    DROP_TRIGGER,
    DROP_TYPE,
    DROP_USER,
    DROP_USER_MAPPING,
    DROP_VIEW;

    private static final Map<String, CommandTag> BY_TEXT =
            Arrays.stream(values()).collect(Collectors.toUnmodifiableMap(CommandTag::text, Function.identity()));

    private final String text = name().replace('_', ' ');
    private final String explained = "EXPLAIN ANALYZE " + text;

    /** As PostgreSQL writes it, in upper case: {@code DROP TABLE}. */
    public String text() {
        return text;
    }

    /** The text of an EXPLAIN ANALYZE that runs this command: {@code EXPLAIN ANALYZE DELETE}. */
    public String explained() {
        return explained;
    }

    /** The tag with exactly this text; empty where there is none. */
    public static Optional<CommandTag> of(String text) {
        return Optional.ofNullable(BY_TEXT.get(text));
    }
}
