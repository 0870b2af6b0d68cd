package io.backstop.jdbc.internal.analysis.grammar;

import io.backstop.api.analysis.ObjectKind;
import io.backstop.jdbc.internal.analysis.scan.Keyword;

import java.util.List;
import java.util.Locale;

/** The classes of object that CREATE, ALTER, DROP and COMMENT name, as the documentation spells them. */
@SuppressWarnings("ImmutableEnumChecker")
public // The list is an immutable copy.
enum ObjectClass {
    // Longer spellings first: FOREIGN TABLE before TABLE is no matter, OPERATOR CLASS before OPERATOR is.
    ACCESS_METHOD(ObjectKind.OTHER, Keyword.ACCESS, Keyword.METHOD),
    AGGREGATE(ObjectKind.FUNCTION, Keyword.AGGREGATE),
    CAST(ObjectKind.OTHER, Keyword.CAST),
    COLLATION(ObjectKind.OTHER, Keyword.COLLATION),
    CONVERSION(ObjectKind.OTHER, Keyword.CONVERSION),
    DATABASE(ObjectKind.DATABASE, Keyword.DATABASE),
    DOMAIN(ObjectKind.DOMAIN, Keyword.DOMAIN),
    EVENT_TRIGGER(ObjectKind.OTHER, Keyword.EVENT, Keyword.TRIGGER),
    EXTENSION(ObjectKind.EXTENSION, Keyword.EXTENSION),
    FOREIGN_DATA_WRAPPER(ObjectKind.OTHER, Keyword.FOREIGN, Keyword.DATA, Keyword.WRAPPER),
    FOREIGN_TABLE(ObjectKind.FOREIGN_TABLE, Keyword.FOREIGN, Keyword.TABLE),
    FUNCTION(ObjectKind.FUNCTION, Keyword.FUNCTION),
    GROUP(ObjectKind.ROLE, Keyword.GROUP),
    INDEX(ObjectKind.INDEX, Keyword.INDEX),
    LANGUAGE(ObjectKind.OTHER, Keyword.LANGUAGE),
    LARGE_OBJECT(ObjectKind.OTHER, Keyword.LARGE, Keyword.OBJECT),
    MATERIALIZED_VIEW(ObjectKind.MATERIALIZED_VIEW, Keyword.MATERIALIZED, Keyword.VIEW),
    OPERATOR_CLASS(ObjectKind.OTHER, Keyword.OPERATOR, Keyword.CLASS),
    OPERATOR_FAMILY(ObjectKind.OTHER, Keyword.OPERATOR, Keyword.FAMILY),
    OPERATOR(ObjectKind.OTHER, Keyword.OPERATOR),
    OWNED(ObjectKind.ROLE, Keyword.OWNED),
    POLICY(ObjectKind.OTHER, Keyword.POLICY),
    PROCEDURE(ObjectKind.FUNCTION, Keyword.PROCEDURE),
    PUBLICATION(ObjectKind.OTHER, Keyword.PUBLICATION),
    ROLE(ObjectKind.ROLE, Keyword.ROLE),
    ROUTINE(ObjectKind.FUNCTION, Keyword.ROUTINE),
    RULE(ObjectKind.OTHER, Keyword.RULE),
    SCHEMA(ObjectKind.SCHEMA, Keyword.SCHEMA),
    SEQUENCE(ObjectKind.SEQUENCE, Keyword.SEQUENCE),
    SERVER(ObjectKind.OTHER, Keyword.SERVER),
    STATISTICS(ObjectKind.OTHER, Keyword.STATISTICS),
    SUBSCRIPTION(ObjectKind.OTHER, Keyword.SUBSCRIPTION),
    TABLE(ObjectKind.TABLE, Keyword.TABLE),
    TABLESPACE(ObjectKind.TABLESPACE, Keyword.TABLESPACE),
    TEXT_SEARCH_CONFIGURATION(ObjectKind.OTHER, Keyword.TEXT, Keyword.SEARCH, Keyword.CONFIGURATION),
    TEXT_SEARCH_DICTIONARY(ObjectKind.OTHER, Keyword.TEXT, Keyword.SEARCH, Keyword.DICTIONARY),
    TEXT_SEARCH_PARSER(ObjectKind.OTHER, Keyword.TEXT, Keyword.SEARCH, Keyword.PARSER),
    TEXT_SEARCH_TEMPLATE(ObjectKind.OTHER, Keyword.TEXT, Keyword.SEARCH, Keyword.TEMPLATE),
    TRANSFORM(ObjectKind.OTHER, Keyword.TRANSFORM),
    TRIGGER(ObjectKind.OTHER, Keyword.TRIGGER),
    TYPE(ObjectKind.TYPE, Keyword.TYPE),
    USER_MAPPING(ObjectKind.OTHER, Keyword.USER, Keyword.MAPPING),
    USER(ObjectKind.ROLE, Keyword.USER),
    VIEW(ObjectKind.VIEW, Keyword.VIEW);

    private static final ObjectClass[] ALL = values();

    private final ObjectKind kind;
    private final List<Keyword> words;
    private final String spelling;

    ObjectClass(ObjectKind kind, Keyword... words) {
        this.kind = kind;
        this.words = List.of(words);
        this.spelling = name().toUpperCase(Locale.ROOT).replace('_', ' ');
    }

    public ObjectKind kind() {
        return kind;
    }

    /** As in the documentation: {@code MATERIALIZED VIEW}. */
    public String spelling() {
        return spelling;
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
