package io.backstop.snapshot.schema;

/** A constant that descriptions, scripts and messages spell as PostgreSQL's documentation does. */
public sealed interface CatalogWord permits DependentKind, RequirementKind, PrerequisiteKind {
    /** In lower case, as it is stored. */
    String text();

    /**
     * The constant with this spelling.
     *
     * @throws IllegalArgumentException naming the text where there is none
     */
    static <E extends Enum<E> & CatalogWord> E of(Class<E> type, String text) {
        for (E constant : type.getEnumConstants()) {
            if (constant.text().equals(text)) {
                return constant;
            }
        }
        throw new IllegalArgumentException("\"" + text + "\" is of no kind that this version knows");
    }
}
