package io.backstop.api.analysis;

/**
 * The result of a second reading of a text, beside the scanner's. It can only raise a risk, never lower it. Immutable,
 * thread-safe.
 */
public enum SecondOpinion {
    /** No second reader was asked. */
    NOT_ASKED,
    /** It could not read the text, or not within its budget: the verdict is the scanner's alone. */
    MISSING,
    /** Both came to the same risk. */
    AGREES,
    /** It saw less of a risk; the scanner's verdict stands. */
    LOWER,
    /** It saw more of a risk; its verdict stands. */
    HIGHER
}
