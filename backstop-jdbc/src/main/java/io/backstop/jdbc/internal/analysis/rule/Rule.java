package io.backstop.jdbc.internal.analysis.rule;

import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.analysis.RuleId;

import java.util.Locale;

import static io.backstop.api.analysis.RiskLevel.CRITICAL;
import static io.backstop.api.analysis.RiskLevel.HIGH;
import static io.backstop.api.analysis.RiskLevel.WRITE;

/**
 * Everything that raises a statement above SAFE, worst first. The recogniser finds what a statement does; what that means
 * is only said here. Each rule has a page docs/rules/ID.md. Names are permanent. Immutable, thread-safe.
 */
@SuppressWarnings("ImmutableEnumChecker") // RuleId is a record of one String.
public enum Rule {
    UNRECOGNISED(CRITICAL, "cannot be understood, so it is taken for the worst"),
    UNSCOPED_DELETE(CRITICAL, "deletes every row, because no WHERE narrows it"),
    UNSCOPED_UPDATE(CRITICAL, "overwrites every row, because no WHERE narrows it"),
    UNSCOPED_MERGE(CRITICAL, "changes every row of its target, because no condition narrows it"),
    TRUNCATE(CRITICAL, "removes every row"),
    DROP_TABLE(CRITICAL, "removes a table with its rows"),
    DROP_SCHEMA(CRITICAL, "removes a schema"),
    DROP_DATABASE(CRITICAL, "removes a database"),
    DROP_TABLESPACE(CRITICAL, "removes a tablespace"),
    DROP_EXTENSION(CRITICAL, "removes an extension with the columns of its types"),
    DROP_OWNED(CRITICAL, "removes everything that a role owns"),
    DROP_CASCADE(CRITICAL, "removes an object with everything that depends on it"),
    DROP_COLUMN(CRITICAL, "removes a column with its values"),
    CHANGE_COLUMN_TYPE(CRITICAL, "rewrites the values of a column"),
    DROP_ATTRIBUTE(CRITICAL, "removes or rewrites an attribute in every stored value of a type"),
    SERVER_FILE(CRITICAL, "reads or writes a file of the server"),
    SERVER_PROGRAM(CRITICAL, "runs a program on the server"),
    ALTER_SYSTEM(CRITICAL, "changes the configuration of the server"),
    UNSEEN_FUNCTION(CRITICAL, "calls a function that runs or erases what cannot be seen here"),

    CREATE_OBJECT(HIGH, "creates an object"),
    CREATE_TABLE_FROM_QUERY(HIGH, "creates a table from a query"),
    ALTER_OBJECT(HIGH, "changes the definition of an object"),
    DROP_OBJECT(HIGH, "removes an object"),
    COMMENT(HIGH, "changes a comment or a label"),
    GRANT(HIGH, "changes rights"),
    REASSIGN_OWNED(HIGH, "gives everything that a role owns to another"),
    CALL_PROCEDURE(HIGH, "calls a procedure, whose body cannot be seen here"),
    ANONYMOUS_BLOCK(HIGH, "runs a block of code that cannot be seen here"),
    EXECUTE_PREPARED(HIGH, "runs a prepared statement that cannot be seen here"),
    TWO_PHASE_COMMIT(HIGH, "prepares or ends a two-phase transaction"),
    REWRITE_STORAGE(HIGH, "locks a table and rewrites it or its indexes"),
    REFRESH_WITHOUT_DATA(HIGH, "takes every row out of a materialized view, and puts none back"),
    LOAD_LIBRARY(HIGH, "loads code into the server"),
    IMPORT_FOREIGN_SCHEMA(HIGH, "creates the tables of a foreign server"),
    SET_ROLE(HIGH, "changes as whom later statements run"),
    GUARDED_SETTING(HIGH, "changes a setting that guards rows"),
    UNKNOWN_SETTING(HIGH, "changes a setting whose name cannot be read here"),
    ADMINISTRATIVE_FUNCTION(HIGH, "calls a function that administers the server"),
    LARGE_OBJECT_WRITE(HIGH, "calls a function that writes a large object"),
    QUERY_FROM_TEXT(HIGH, "calls a function that runs a query or reads a table given as text"),

    INSERT(WRITE, "inserts rows"),
    UPDATE(WRITE, "overwrites rows"),
    DELETE(WRITE, "deletes rows"),
    MERGE(WRITE, "inserts, overwrites or deletes rows"),
    COPY_IN(WRITE, "inserts rows from the client"),
    REFRESH_MATERIALIZED_VIEW(WRITE, "replaces the rows of a materialized view"),
    CREATE_TEMPORARY_TABLE(WRITE, "creates a table for this session"),
    SEQUENCE_CHANGE(WRITE, "calls a function that sets a sequence");

    private final RiskLevel risk;
    private final String reason;
    private final RuleId id;

    Rule(RiskLevel risk, String reason) {
        this.risk = risk;
        this.reason = reason;
        this.id = new RuleId(name().toLowerCase(Locale.ROOT).replace('_', '-'));
    }

    public RuleId id() {
        return id;
    }

    /** The least risk of a statement on which it fires. */
    public RiskLevel risk() {
        return risk;
    }

    /** What the statement does: a part of a sentence whose subject is the statement. */
    public String reason() {
        return reason;
    }
}
