package io.backstop.snapshot.schema;

/** The kinds of thing beside tables that the statements of a dependent name. */
public enum RequirementKind implements CatalogWord {
    /** A role that has to exist. */
    ROLE("role"),
    /** A role that one has to be able to act as. */
    GRANTOR("grantor"),
    SUPERUSER("superuser"),
    TABLESPACE("tablespace"),
    ACCESS_METHOD("access method"),
    PUBLICATION("publication"),
    EXTENSION("extension"),
    /** A compression method of columns, with which a server may not be built. */
    COMPRESSION("compression"),
    SECURITY_LABEL_PROVIDER("security label provider");

    private final String text;

    RequirementKind(String text) {
        this.text = text;
    }

    @Override
    public String text() {
        return text;
    }

    @Override
    public String toString() {
        return text;
    }
}
