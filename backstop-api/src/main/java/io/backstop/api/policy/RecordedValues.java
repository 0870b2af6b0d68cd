package io.backstop.api.policy;

/** How the values that are bound to a statement are written into requests for approval and into the audit. */
public enum RecordedValues {
    /** As a digest, together with the text: equal values can be told to be equal. */
    HASH,
    /** Not in the audit; a request for approval keeps the digest that it is bound to. */
    NONE,
    /** As text beside the digest, what is secret masked. */
    TEXT
}
