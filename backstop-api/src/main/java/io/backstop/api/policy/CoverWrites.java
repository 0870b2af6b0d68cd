package io.backstop.api.policy;

/** Which ordinary writes keep before-images, so that they can be undone. */
public enum CoverWrites {
    /** None. */
    NONE,
    /** UPDATE and DELETE of which the rows can be told one by one before they run. */
    UPDATES_AND_DELETES
}
