package io.backstop.server;

import io.backstop.api.control.ControlStore;
import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.server.internal.endpoint.AdminEndpoints;
import io.backstop.server.internal.endpoint.AlertEndpoints;
import io.backstop.server.internal.endpoint.ApprovalEndpoints;
import io.backstop.server.internal.endpoint.MetadataEndpoints;
import io.backstop.server.internal.health.HealthMonitor;
import io.backstop.server.internal.http.MalformedRequestHandler;
import io.backstop.server.internal.http.RequestRefusedException;
import io.backstop.server.internal.http.ResponseWriter;
import io.backstop.server.internal.http.TokenAuthentication;
import io.backstop.server.internal.metrics.StoreMetrics;
import io.backstop.server.token.Caller;
import io.backstop.server.token.Scope;
import io.backstop.server.token.TokenFile;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.javalin.Javalin;
import io.javalin.config.JavalinConfig;
import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import io.javalin.http.Handler;
import io.javalin.http.HttpResponseException;
import io.javalin.util.JavalinBindException;
import org.eclipse.jetty.util.thread.QueuedThreadPool;

import java.io.IOException;
import java.util.Map;
import java.util.Optional;

/**
 * An HTTP server for operators, with the endpoints that {@code docs/http.md} describes. It has no TLS: to be reached
 * from other machines, it needs a proxy that has. It can be started once. Thread-safe.
 */
public final class BackstopServer implements AutoCloseable {
    /** The loopback address: only this machine can connect. */
    public static final String DEFAULT_HOST = "127.0.0.1";

    /** More threads would only wait, because the control store works on one request at a time. */
    private static final int THREADS = 32;

    private final String host;
    private final TokenAuthentication access;
    private final AdminEndpoints admin;
    private final ApprovalEndpoints approvals;
    private final MetadataEndpoints metadata;
    private final AlertEndpoints alerts;
    private final HealthMonitor health;
    private final StoreMetrics metrics;
    private final Javalin javalin;

    /** Creates a server that listens on {@link #DEFAULT_HOST}. */
    public BackstopServer(ControlStore store, Optional<SnapshotArchive> archive, TokenFile tokens) {
        this(store, archive, tokens, DEFAULT_HOST);
    }

    /**
     * Creates a server that does not listen yet.
     *
     * @param store the control store that the endpoints read and change; the server does not close it
     * @param archive the archive whose snapshots are listed; without one, the catalogue of the control store is listed
     * @param tokens the tokens that callers may present
     * @param host name or address of the interface to listen on
     */
    public BackstopServer(ControlStore store, Optional<SnapshotArchive> archive, TokenFile tokens, String host) {
        this(store, archive, tokens, host, DecisionSigning.NONE);
    }

    /**
     * Creates a server that signs decisions, and does not listen yet.
     *
     * @param signing the operators, and the operator's key with which every decision is signed
     */
    public BackstopServer(
            ControlStore store,
            Optional<SnapshotArchive> archive,
            TokenFile tokens,
            String host,
            DecisionSigning signing) {
        this.host = host;
        this.access = new TokenAuthentication(tokens);
        this.admin = new AdminEndpoints(store, signing.operators());
        this.approvals = new ApprovalEndpoints(store.approvals(), signing.key());
        this.health = new HealthMonitor(store, archive);
        this.metadata = new MetadataEndpoints(store, archive, health);
        this.alerts = new AlertEndpoints(store.alerts());
        this.metrics = new StoreMetrics(store, health);
        this.javalin = Javalin.create(this::configure);
    }

    private void configure(JavalinConfig config) {
        config.startup.showJavalinBanner = false;
        config.startup.showOldJavalinVersionWarning = false;
        config.startup.startupWatcherEnabled = false;
        config.router.ignoreTrailingSlashes = false;
        config.http.prefer405over404 = true;
        config.router.javaLangErrorHandler(ResponseWriter::failed);
        config.jetty.threadPool = new QueuedThreadPool(THREADS);
        config.jetty.modifyHttpConfiguration(http -> http.setSendServerVersion(false));
        config.jetty.modifyServer(server -> server.setErrorHandler(new MalformedRequestHandler()));
        endpoints(config.routes);
        failures(config.routes);
    }

    private void endpoints(RoutesConfig routes) {
        get(routes, "/health", request -> ResponseWriter.ok(request, Map.of("status", "ok")));
        routes.post("/admin/pause", guarded(Scope.ADMIN, admin::pause));
        routes.post("/admin/resume", guarded(Scope.ADMIN, admin::resume));
        get(routes, "/admin/status", guarded(Scope.ADMIN, admin::status));
        get(routes, "/pending", guarded(Scope.APPROVAL_READ, approvals::pending));
        get(routes, "/approvals/{id}", guarded(Scope.APPROVAL_READ, approvals::show));
        routes.post("/approve/{id}", guarded(Scope.APPROVAL_WRITE, approvals::approve));
        routes.post("/deny/{id}", guarded(Scope.APPROVAL_WRITE, approvals::deny));
        get(routes, "/metadata/snapshots", guarded(Scope.METADATA_READ, metadata::snapshots));
        get(routes, "/metadata/audit", guarded(Scope.METADATA_READ, metadata::audit));
        get(routes, "/metadata/health", guarded(Scope.METADATA_READ, metadata::health));
        get(routes, "/metadata/alerts", guarded(Scope.METADATA_READ, alerts::list));
        get(routes, "/metrics", request -> {
            access.require(Scope.METRICS_READ, request);
            ResponseWriter.text(request, StoreMetrics.MEDIA_TYPE, metrics.scrape());
        });
        routes.post("/metadata/alerts/{id}/acknowledge", guarded(Scope.ADMIN, alerts::acknowledge));
    }

    /** Adds HEAD too: Javalin itself would answer it with 200 and without a token. */
    private static void get(RoutesConfig routes, String path, Handler handler) {
        routes.get(path, handler);
        routes.head(path, handler);
    }

    private Handler guarded(Scope scope, Endpoint endpoint) {
        return request -> ResponseWriter.ok(request, endpoint.answer(request, access.require(scope, request)));
    }

    private static void failures(RoutesConfig routes) {
        routes.exception(RequestRefusedException.class, ResponseWriter::refused);
        routes.exception(HttpResponseException.class, ResponseWriter::refused);
        routes.exception(ControlStoreUnavailableException.class, ResponseWriter::controlStoreUnavailable);
        routes.exception(IOException.class, ResponseWriter::storageUnavailable);
        routes.exception(Exception.class, ResponseWriter::failed);
    }

    /**
     * Starts to listen.
     *
     * @param port 0 to 65535; 0 lets the system choose one
     * @throws IOException if the port is taken, needs more rights, or the host is not one of this machine
     */
    public void start(int port) throws IOException {
        try {
            javalin.start(host, port);
            health.start();
            metrics.start();
        } catch (JavalinBindException e) {
            throw new IOException(
                    "cannot listen on " + host + ":" + port + ": the port is taken, needs more rights,"
                            + " or the host is not one of this machine",
                    e);
        }
    }

    /** The port that the server listens on. */
    public int port() {
        return javalin.port();
    }

    /** Stops listening. The control store and the storage stay open. */
    @Override
    public void close() {
        javalin.stop();
        metrics.close();
        health.close();
    }

    /** Answers a request of a caller who has the scope for it. */
    private interface Endpoint {
        Object answer(Context request, Caller caller) throws Exception;
    }
}
