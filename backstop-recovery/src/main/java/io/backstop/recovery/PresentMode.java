package io.backstop.recovery;

/** The choices for a table that is there under the name of a restored one, and is another one than was stored. */
public enum PresentMode {
    /** It stays, and gets the stored rows and definitions that it lacks. */
    COMPLETE,
    /**
     * It is set aside, the restored one takes its place, and the rows and definitions that only the present one has are
     * merged into that.
     */
    REPLACE
}
