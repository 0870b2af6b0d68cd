package io.backstop.server.internal.endpoint;

import io.backstop.api.audit.AuditQuery;
import io.backstop.api.control.ControlStore;
import io.backstop.api.control.SnapshotCatalogue;
import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.jdbc.control.AuditView;
import io.backstop.server.internal.health.Health;
import io.backstop.server.internal.health.HealthMonitor;
import io.backstop.server.internal.http.QueryParameters;
import io.backstop.server.internal.http.RequestRefusedException;
import io.backstop.server.token.Caller;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.javalin.http.Context;

import java.io.IOException;
import java.util.List;
import java.util.Optional;

/** The endpoints below {@code /metadata}: the audit log and the list of snapshots. Thread-safe. */
public final class MetadataEndpoints {
    private static final int DEFAULT_RECORDS = 100;
    private static final int MAX_RECORDS = 1_000;

    private final ControlStore store;
    private final Optional<SnapshotArchive> archive;
    private final HealthMonitor health;

    public MetadataEndpoints(ControlStore store, Optional<SnapshotArchive> archive, HealthMonitor health) {
        this.health = health;
        this.store = store;
        this.archive = archive;
    }

    public List<AuditView> audit(Context request, Caller caller)
            throws RequestRefusedException, ControlStoreUnavailableException {
        QueryParameters query = QueryParameters.of(request, "limit", "risk", "agent_id", "since");
        AuditQuery wanted = new AuditQuery(
                query.number("limit", DEFAULT_RECORDS, MAX_RECORDS),
                query.risk("risk"),
                query.text("agent_id"),
                query.instant("since"));
        return store.audit().newest(wanted).stream().map(AuditView::of).toList();
    }

    public Health health(Context request, Caller caller) throws RequestRefusedException {
        QueryParameters.of(request);
        return health.health();
    }

    public List<SnapshotView> snapshots(Context request, Caller caller)
            throws RequestRefusedException, IOException, ControlStoreUnavailableException {
        QueryParameters query = QueryParameters.of(request, "table", "limit");
        Optional<String> table = query.text("table");
        int limit = query.number("limit", DEFAULT_RECORDS, MAX_RECORDS);
        return manifests().stream()
                .filter(manifest -> table.isEmpty()
                        || table.get().equals(manifest.table())
                        || table.get().equals(manifest.schema() + "." + manifest.table()))
                .limit(limit)
                .map(SnapshotView::of)
                .toList();
    }

    /** The manifests in the storage; without a storage, those in the catalogue of the control store. */
    private List<SnapshotManifest> manifests() throws IOException, ControlStoreUnavailableException {
        if (archive.isPresent()) {
            return archive.get().list();
        }
        return store.snapshots().newest(Integer.MAX_VALUE).stream()
                .map(SnapshotCatalogue.Entry::manifest)
                .toList();
    }
}
