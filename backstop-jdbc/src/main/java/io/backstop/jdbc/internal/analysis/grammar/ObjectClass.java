package io.backstop.jdbc.internal.analysis.grammar;

import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.ObjectKind;
import io.backstop.jdbc.internal.analysis.scan.Keyword;

import java.util.List;

/** The classes of object that CREATE, ALTER and DROP name, as the documentation spells them. */
@SuppressWarnings("ImmutableEnumChecker") // The list is an immutable copy.
public enum ObjectClass {
    // Longer spellings first: FOREIGN TABLE before TABLE is no matter, OPERATOR CLASS before OPERATOR is.
    ACCESS_METHOD(
            ObjectKind.OTHER,
            CommandTag.CREATE_ACCESS_METHOD,
            CommandTag.ALTER_ACCESS_METHOD,
            CommandTag.DROP_ACCESS_METHOD,
            Keyword.ACCESS,
            Keyword.METHOD),
    AGGREGATE(
            ObjectKind.FUNCTION,
            CommandTag.CREATE_AGGREGATE,
            CommandTag.ALTER_AGGREGATE,
            CommandTag.DROP_AGGREGATE,
            Keyword.AGGREGATE),
    CAST(ObjectKind.OTHER, CommandTag.CREATE_CAST, CommandTag.ALTER_CAST, CommandTag.DROP_CAST, Keyword.CAST),
    COLLATION(
            ObjectKind.OTHER,
            CommandTag.CREATE_COLLATION,
            CommandTag.ALTER_COLLATION,
            CommandTag.DROP_COLLATION,
            Keyword.COLLATION),
    CONVERSION(
            ObjectKind.OTHER,
            CommandTag.CREATE_CONVERSION,
            CommandTag.ALTER_CONVERSION,
            CommandTag.DROP_CONVERSION,
            Keyword.CONVERSION),
    DATABASE(
            ObjectKind.DATABASE,
            CommandTag.CREATE_DATABASE,
            CommandTag.ALTER_DATABASE,
            CommandTag.DROP_DATABASE,
            Keyword.DATABASE),
    DOMAIN(
            ObjectKind.DOMAIN,
            CommandTag.CREATE_DOMAIN,
            CommandTag.ALTER_DOMAIN,
            CommandTag.DROP_DOMAIN,
            Keyword.DOMAIN),
    EVENT_TRIGGER(
            ObjectKind.OTHER,
            CommandTag.CREATE_EVENT_TRIGGER,
            CommandTag.ALTER_EVENT_TRIGGER,
            CommandTag.DROP_EVENT_TRIGGER,
            Keyword.EVENT,
            Keyword.TRIGGER),
    EXTENSION(
            ObjectKind.EXTENSION,
            CommandTag.CREATE_EXTENSION,
            CommandTag.ALTER_EXTENSION,
            CommandTag.DROP_EXTENSION,
            Keyword.EXTENSION),
    FOREIGN_DATA_WRAPPER(
            ObjectKind.OTHER,
            CommandTag.CREATE_FOREIGN_DATA_WRAPPER,
            CommandTag.ALTER_FOREIGN_DATA_WRAPPER,
            CommandTag.DROP_FOREIGN_DATA_WRAPPER,
            Keyword.FOREIGN,
            Keyword.DATA,
            Keyword.WRAPPER),
    FOREIGN_TABLE(
            ObjectKind.FOREIGN_TABLE,
            CommandTag.CREATE_FOREIGN_TABLE,
            CommandTag.ALTER_FOREIGN_TABLE,
            CommandTag.DROP_FOREIGN_TABLE,
            Keyword.FOREIGN,
            Keyword.TABLE),
    FUNCTION(
            ObjectKind.FUNCTION,
            CommandTag.CREATE_FUNCTION,
            CommandTag.ALTER_FUNCTION,
            CommandTag.DROP_FUNCTION,
            Keyword.FUNCTION),
    GROUP(ObjectKind.ROLE, CommandTag.CREATE_GROUP, CommandTag.ALTER_GROUP, CommandTag.DROP_GROUP, Keyword.GROUP),
    INDEX(ObjectKind.INDEX, CommandTag.CREATE_INDEX, CommandTag.ALTER_INDEX, CommandTag.DROP_INDEX, Keyword.INDEX),
    LANGUAGE(
            ObjectKind.OTHER,
            CommandTag.CREATE_LANGUAGE,
            CommandTag.ALTER_LANGUAGE,
            CommandTag.DROP_LANGUAGE,
            Keyword.LANGUAGE),
    LARGE_OBJECT(
            ObjectKind.OTHER,
            CommandTag.UNRECOGNISED,
            CommandTag.ALTER_LARGE_OBJECT,
            CommandTag.UNRECOGNISED,
            Keyword.LARGE,
            Keyword.OBJECT),
    MATERIALIZED_VIEW(
            ObjectKind.MATERIALIZED_VIEW,
            CommandTag.CREATE_MATERIALIZED_VIEW,
            CommandTag.ALTER_MATERIALIZED_VIEW,
            CommandTag.DROP_MATERIALIZED_VIEW,
            Keyword.MATERIALIZED,
            Keyword.VIEW),
    OPERATOR_CLASS(
            ObjectKind.OTHER,
            CommandTag.CREATE_OPERATOR_CLASS,
            CommandTag.ALTER_OPERATOR_CLASS,
            CommandTag.DROP_OPERATOR_CLASS,
            Keyword.OPERATOR,
            Keyword.CLASS),
    OPERATOR_FAMILY(
            ObjectKind.OTHER,
            CommandTag.CREATE_OPERATOR_FAMILY,
            CommandTag.ALTER_OPERATOR_FAMILY,
            CommandTag.DROP_OPERATOR_FAMILY,
            Keyword.OPERATOR,
            Keyword.FAMILY),
    OPERATOR(
            ObjectKind.OTHER,
            CommandTag.CREATE_OPERATOR,
            CommandTag.ALTER_OPERATOR,
            CommandTag.DROP_OPERATOR,
            Keyword.OPERATOR),
    OWNED(ObjectKind.ROLE, CommandTag.UNRECOGNISED, CommandTag.UNRECOGNISED, CommandTag.DROP_OWNED, Keyword.OWNED),
    POLICY(ObjectKind.OTHER, CommandTag.CREATE_POLICY, CommandTag.ALTER_POLICY, CommandTag.DROP_POLICY, Keyword.POLICY),
    PROCEDURE(
            ObjectKind.FUNCTION,
            CommandTag.CREATE_PROCEDURE,
            CommandTag.ALTER_PROCEDURE,
            CommandTag.DROP_PROCEDURE,
            Keyword.PROCEDURE),
    PUBLICATION(
            ObjectKind.OTHER,
            CommandTag.CREATE_PUBLICATION,
            CommandTag.ALTER_PUBLICATION,
            CommandTag.DROP_PUBLICATION,
            Keyword.PUBLICATION),
    ROLE(ObjectKind.ROLE, CommandTag.CREATE_ROLE, CommandTag.ALTER_ROLE, CommandTag.DROP_ROLE, Keyword.ROLE),
    ROUTINE(
            ObjectKind.FUNCTION,
            CommandTag.UNRECOGNISED,
            CommandTag.ALTER_ROUTINE,
            CommandTag.DROP_ROUTINE,
            Keyword.ROUTINE),
    RULE(ObjectKind.OTHER, CommandTag.CREATE_RULE, CommandTag.ALTER_RULE, CommandTag.DROP_RULE, Keyword.RULE),
    SCHEMA(
            ObjectKind.SCHEMA,
            CommandTag.CREATE_SCHEMA,
            CommandTag.ALTER_SCHEMA,
            CommandTag.DROP_SCHEMA,
            Keyword.SCHEMA),
    SEQUENCE(
            ObjectKind.SEQUENCE,
            CommandTag.CREATE_SEQUENCE,
            CommandTag.ALTER_SEQUENCE,
            CommandTag.DROP_SEQUENCE,
            Keyword.SEQUENCE),
    SERVER(ObjectKind.OTHER, CommandTag.CREATE_SERVER, CommandTag.ALTER_SERVER, CommandTag.DROP_SERVER, Keyword.SERVER),
    STATISTICS(
            ObjectKind.OTHER,
            CommandTag.CREATE_STATISTICS,
            CommandTag.ALTER_STATISTICS,
            CommandTag.DROP_STATISTICS,
            Keyword.STATISTICS),
    SUBSCRIPTION(
            ObjectKind.OTHER,
            CommandTag.CREATE_SUBSCRIPTION,
            CommandTag.ALTER_SUBSCRIPTION,
            CommandTag.DROP_SUBSCRIPTION,
            Keyword.SUBSCRIPTION),
    TABLE(ObjectKind.TABLE, CommandTag.CREATE_TABLE, CommandTag.ALTER_TABLE, CommandTag.DROP_TABLE, Keyword.TABLE),
    TABLESPACE(
            ObjectKind.TABLESPACE,
            CommandTag.CREATE_TABLESPACE,
            CommandTag.ALTER_TABLESPACE,
            CommandTag.DROP_TABLESPACE,
            Keyword.TABLESPACE),
    TEXT_SEARCH_CONFIGURATION(
            ObjectKind.OTHER,
            CommandTag.CREATE_TEXT_SEARCH_CONFIGURATION,
            CommandTag.ALTER_TEXT_SEARCH_CONFIGURATION,
            CommandTag.DROP_TEXT_SEARCH_CONFIGURATION,
            Keyword.TEXT,
            Keyword.SEARCH,
            Keyword.CONFIGURATION),
    TEXT_SEARCH_DICTIONARY(
            ObjectKind.OTHER,
            CommandTag.CREATE_TEXT_SEARCH_DICTIONARY,
            CommandTag.ALTER_TEXT_SEARCH_DICTIONARY,
            CommandTag.DROP_TEXT_SEARCH_DICTIONARY,
            Keyword.TEXT,
            Keyword.SEARCH,
            Keyword.DICTIONARY),
    TEXT_SEARCH_PARSER(
            ObjectKind.OTHER,
            CommandTag.CREATE_TEXT_SEARCH_PARSER,
            CommandTag.ALTER_TEXT_SEARCH_PARSER,
            CommandTag.DROP_TEXT_SEARCH_PARSER,
            Keyword.TEXT,
            Keyword.SEARCH,
            Keyword.PARSER),
    TEXT_SEARCH_TEMPLATE(
            ObjectKind.OTHER,
            CommandTag.CREATE_TEXT_SEARCH_TEMPLATE,
            CommandTag.ALTER_TEXT_SEARCH_TEMPLATE,
            CommandTag.DROP_TEXT_SEARCH_TEMPLATE,
            Keyword.TEXT,
            Keyword.SEARCH,
            Keyword.TEMPLATE),
    TRANSFORM(
            ObjectKind.OTHER,
            CommandTag.CREATE_TRANSFORM,
            CommandTag.ALTER_TRANSFORM,
            CommandTag.DROP_TRANSFORM,
            Keyword.TRANSFORM),
    TRIGGER(
            ObjectKind.OTHER,
            CommandTag.CREATE_TRIGGER,
            CommandTag.ALTER_TRIGGER,
            CommandTag.DROP_TRIGGER,
            Keyword.TRIGGER),
    TYPE(ObjectKind.TYPE, CommandTag.CREATE_TYPE, CommandTag.ALTER_TYPE, CommandTag.DROP_TYPE, Keyword.TYPE),
    USER_MAPPING(
            ObjectKind.OTHER,
            CommandTag.CREATE_USER_MAPPING,
            CommandTag.ALTER_USER_MAPPING,
            CommandTag.DROP_USER_MAPPING,
            Keyword.USER,
            Keyword.MAPPING),
    USER(ObjectKind.ROLE, CommandTag.CREATE_USER, CommandTag.ALTER_USER, CommandTag.DROP_USER, Keyword.USER),
    VIEW(ObjectKind.VIEW, CommandTag.CREATE_VIEW, CommandTag.ALTER_VIEW, CommandTag.DROP_VIEW, Keyword.VIEW);

    private static final ObjectClass[] ALL = values();

    private final ObjectKind kind;
    private final CommandTag creating;
    private final CommandTag altering;
    private final CommandTag dropping;
    private final List<Keyword> words;

    ObjectClass(ObjectKind kind, CommandTag creating, CommandTag altering, CommandTag dropping, Keyword... words) {
        this.kind = kind;
        this.creating = creating;
        this.altering = altering;
        this.dropping = dropping;
        this.words = List.of(words);
    }

    public ObjectKind kind() {
        return kind;
    }

    /** The command that creates one; {@link CommandTag#UNRECOGNISED} where there is none. */
    public CommandTag creating() {
        return creating;
    }

    /** The command that alters one; {@link CommandTag#UNRECOGNISED} where there is none. */
    public CommandTag altering() {
        return altering;
    }

    /** The command that drops one; {@link CommandTag#UNRECOGNISED} where there is none. */
    public CommandTag dropping() {
        return dropping;
    }

    /** Takes the class that the cursor stands at. */
    public static ObjectClass read(TokenCursor cursor) {
        for (ObjectClass candidate : ALL) {
            if (candidate.accepted(cursor)) {
                return candidate;
            }
        }
        throw new NotUnderstoodException("expected a class of object");
    }

    private boolean accepted(TokenCursor cursor) {
        for (int i = 0; i < words.size(); i++) {
            if (cursor.keyword(i) != words.get(i)) {
                return false;
            }
        }
        cursor.moveTo(cursor.position() + words.size());
        return true;
    }
}
