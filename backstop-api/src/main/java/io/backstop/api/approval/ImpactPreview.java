package io.backstop.api.approval;

import java.sql.SQLException;

/** Finds out what a held statement would change, once, for a new request. Used by the thread that asks for the approval. */
public interface ImpactPreview {
    /** Finds out nothing. */
    ImpactPreview NONE = () -> ExpectedImpact.UNKNOWN;

    /** @throws SQLException where the connection cannot be used any more */
    ExpectedImpact look() throws SQLException;
}
