package io.backstop.server.internal.metrics;

import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.approval.Approval;
import io.backstop.api.approval.ApprovalState;
import io.backstop.api.audit.AuditEvent;
import io.backstop.api.audit.AuditRecord;
import io.backstop.api.control.ControlStore;
import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.server.internal.health.Health;
import io.backstop.server.internal.health.HealthMonitor;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Timer;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.ToDoubleFunction;

/**
 * Figures of the control store for Prometheus, read in a thread of its own when they are scraped: a store that does not
 * answer keeps a scrape waiting for two seconds, and the figures are those of the last reading then. Statements and
 * decisions are counted from the audit log, from the moment on at which the server began. Thread-safe.
 */
public final class StoreMetrics implements AutoCloseable {
    /** The media type of what {@link #scrape} returns (Prometheus, Exposition formats). */
    public static final String MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8";

    private static final Logger LOG = LoggerFactory.getLogger(StoreMetrics.class);
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(2);
    private static final Set<String> DECISIONS = Set.of("APPROVE", "DENY");
    private static final int RECORDS_AT_ONCE = 1_000;
    private static final int MOST_ALERTS = 1_000;

    private final ControlStore store;
    private final HealthMonitor health;
    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final ExecutorService reader;
    private volatile Reading last = Reading.UNKNOWN;
    private CompletableFuture<Void> reading = CompletableFuture.completedFuture(null);
    private long counted = -1;

    public StoreMetrics(ControlStore store, HealthMonitor health) {
        this.store = store;
        this.health = health;
        this.reader = Executors.newSingleThreadExecutor(task -> {
            Thread thread = new Thread(task, "backstop-metrics");
            thread.setDaemon(true);
            return thread;
        });
        gauge(
                "backstop.paused",
                "1 while writes are paused",
                of -> truth(of.health().paused()));
        gauge("backstop.pending.approvals", "statements that wait for an operator", Reading::pending);
        gauge("backstop.quarantined.agents", "agents in quarantine", Reading::quarantined);
        gauge("backstop.open.alerts", "alerts that nobody has acknowledged, at most 1000", Reading::alerts);
        gauge("backstop.audit.records", "the number of the newest audit record", Reading::audit);
        gauge(
                "backstop.sidecar.heartbeat.age.seconds",
                "since the latest heartbeat of any sidecar",
                of -> number(of.health().sidecarHeartbeatAgeSeconds()));
        gauge(
                "backstop.snapshot.age.seconds",
                "since the newest snapshot of the catalogue",
                of -> number(of.health().lastSnapshotAgeSeconds()));
        gauge(
                "backstop.storage.accessible",
                "1 where the storage of snapshots can be read",
                of -> truth(of.health().storageAccessible()));
        gauge(
                "backstop.control.store.accessible",
                "1 where the control store can be used",
                of -> of.health().controlStoreAccessible() ? 1 : 0);
    }

    private void gauge(String name, String description, ToDoubleFunction<Reading> figure) {
        Gauge.builder(name, this, metrics -> figure.applyAsDouble(metrics.last))
                .description(description)
                .register(registry);
    }

    private static double truth(Optional<Boolean> value) {
        return value.map(is -> is ? 1.0 : 0.0).orElse(Double.NaN);
    }

    private static double number(Optional<Long> value) {
        return value.map(Long::doubleValue).orElse(Double.NaN);
    }

    /** Counts from now on. */
    public void start() {
        LOG.debug("figures are read: {}", reading());
    }

    /** The reading that is under way; a new one where there is none. */
    private synchronized CompletableFuture<Void> reading() {
        if (reading.isDone()) {
            reading = CompletableFuture.runAsync(this::read, reader);
        }
        return reading;
    }

    private void read() {
        Health now = health.health();
        try {
            last = new Reading(
                    now,
                    store.approvals().list(ApprovalState.PENDING).size(),
                    store.quarantine().list().size(),
                    store.alerts().newest(MOST_ALERTS, true).size(),
                    store.audit().lastSequence());
            count();
        } catch (ControlStoreUnavailableException e) {
            last = Reading.UNKNOWN.with(now);
            LOG.debug("the control store cannot be read for metrics", e); // told by the look at its health
        } catch (RuntimeException e) { // would end all further readings
            LOG.error("metrics cannot be read", e);
        }
    }

    private void count() throws ControlStoreUnavailableException {
        if (counted < 0) {
            counted = store.audit().lastSequence();
        }
        List<AuditRecord> records;
        do {
            records = store.audit().after(counted, RECORDS_AT_ONCE);
            for (AuditRecord record : records) {
                count(record.event());
                counted = record.sequence();
            }
        } while (records.size() == RECORDS_AT_ONCE);
    }

    private void count(AuditEvent event) throws ControlStoreUnavailableException {
        if (event.kind() == AuditEvent.Kind.DECISION) {
            statements(event.risk(), verdict(event.outcome())).increment();
        } else if (event.kind() == AuditEvent.Kind.OPERATOR && DECISIONS.contains(event.operation())) {
            Optional<Approval> approval =
                    store.approvals().find(event.approvalId().orElse(""));
            approval.ifPresent(
                    decided -> decisions(event.operation()).record(Duration.between(decided.createdAt(), event.at())));
        }
    }

    private Counter statements(RiskLevel risk, String verdict) {
        return Counter.builder("backstop.statements")
                .description("statements that were judged, by risk and verdict")
                .tag("risk", risk.name().toLowerCase(Locale.ROOT))
                .tag("verdict", verdict)
                .register(registry);
    }

    private Timer decisions(String act) {
        return Timer.builder("backstop.decision")
                .description("from a request for approval to its decision")
                .tag("decision", act.toLowerCase(Locale.ROOT))
                .publishPercentileHistogram()
                .minimumExpectedValue(Duration.ofSeconds(1))
                .maximumExpectedValue(Duration.ofHours(1))
                .register(registry);
    }

    /** By the first word of the outcome, as the guard writes it. */
    private static String verdict(String outcome) {
        for (String verdict : List.of("allowed", "held", "blocked", "monitored")) {
            if (outcome.startsWith(verdict)) {
                return verdict;
            }
        }
        return "other";
    }

    /** All figures in Prometheus' text format. */
    public String scrape() {
        try {
            reading().get(LONGEST_WAIT.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException | TimeoutException e) {
            LOG.warn("the control store has not answered; metrics are those of the last reading");
        }
        return registry.scrape();
    }

    @Override
    public void close() {
        reader.shutdownNow();
        registry.close();
    }

    /** What was read last; not a number where it could not be. */
    private record Reading(Health health, double pending, double quarantined, double alerts, double audit) {
        static final Reading UNKNOWN = new Reading(Health.UNKNOWN, Double.NaN, Double.NaN, Double.NaN, Double.NaN);

        Reading with(Health now) {
            return new Reading(now, pending, quarantined, alerts, audit);
        }
    }
}
