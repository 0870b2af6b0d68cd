package io.backstop.jdbc.internal.pipeline.catalog;

import io.backstop.api.analysis.StatementAssessment;
import io.backstop.jdbc.internal.pipeline.session.ReadAt;
import org.jspecify.annotations.Nullable;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;

/**
 * What was read from a catalog. Immutable apart from what its names remember and what is read later, thread-safe.
 *
 * @param fingerprint what changes with the catalog
 * @param remote what reaches foreign tables; empty where there are none that matter
 * @param shadowing whether the user's code takes the very arguments of PostgreSQL's own
 * @param uncounted functions under which rows cannot be counted
 * @param versions of the definitions; filled when they are first asked for
 * @param readAt when it was found to be so
 */
record CatalogState(
        CatalogReader.Fingerprint fingerprint,
        CatalogNames names,
        Optional<RemoteSide> remote,
        boolean shadowing,
        Set<String> uncounted,
        AtomicReference<@Nullable DefinitionVersions> versions,
        ReadAt readAt) {
    /**
     * Whether the definitions to which the names of these statements lead are what they were when they were read; so too in a
     * transaction that goes on seeing an older state of the catalog.
     */
    boolean isCurrent(Connection connection, List<StatementAssessment> statements) throws SQLException {
        DefinitionVersions known = versions.get();
        if (known != null) {
            return known.areCurrent(
                    connection,
                    statements.stream().map(StatementAssessment::mentions).toList());
        }
        DefinitionVersions read = CatalogReader.versions(connection, ServerSpelling.of(fingerprint.encoding()));
        CatalogReader.Fingerprint now =
                CatalogReader.fingerprint(connection); // so that these are the versions of the names
        if (now.frozen()) {
            return true;
        }
        if (!now.hash().equals(fingerprint.hash())) {
            return false;
        }
        versions.set(read);
        return true;
    }
}
