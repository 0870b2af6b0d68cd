package io.backstop.jdbc.internal.pipeline.catalog;

import io.backstop.api.analysis.Assessment;

/**
 * An assessment with what the catalog adds to it. Immutable, thread-safe.
 *
 * @param restsOnCatalog whether it names what is harmless only because of what the catalog says: a function, view, domain,
 *     composite type, operator or cast of the user's, a foreign table, a table with policies; false where reviewed functions
 *     and plain tables are all that it names
 */
public record WeighedText(Assessment assessment, boolean restsOnCatalog) {}
