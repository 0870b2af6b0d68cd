package io.backstop.api.analysis;

/** What a second reader said to the scanner's verdict. It can only make a verdict worse, never better. */
public enum SecondOpinion {
    /** Nobody asked one. */
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
