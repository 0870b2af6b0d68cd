package io.backstop.api.policy;

/** Which ordinary writes keep what an undo needs. */
public enum CoverWrites {
    /** None. */
    NONE,
    /** UPDATE and DELETE of which the rows can be told one by one before they run. */
    UPDATES_AND_DELETES,
    /** These, and INSERT and MERGE, of which the new rows can be told one by one when they have run. */
    ALL
}
