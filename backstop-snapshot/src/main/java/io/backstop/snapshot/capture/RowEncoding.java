package io.backstop.snapshot.capture;

/** How the rows of a snapshot are written. */
public enum RowEncoding {
    /** In binary, unless a column's type has no form that means the same elsewhere. */
    AUTO,
    /** In text: larger and slower, and readable by every version of PostgreSQL. */
    TEXT
}
