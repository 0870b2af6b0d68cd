package io.backstop.jdbc.internal.pipeline.audit;

import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.audit.AuditEvent;
import io.backstop.api.audit.AuditSink;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.api.parallel.Resources;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;

import static org.assertj.core.api.Assertions.assertThat;

/** To close a recorder is to wait until it has written all that it was given. */
@ResourceLock(Resources.SYSTEM_ERR)
class BackgroundRecorderTest {
    private final List<AuditEvent> recorded = new CopyOnWriteArrayList<>();
    private final ByteArrayOutputStream log = new ByteArrayOutputStream();
    private PrintStream err;

    @BeforeEach
    void catchLog() {
        err = System.err;
        System.setErr(new PrintStream(log, true, StandardCharsets.UTF_8));
    }

    @AfterEach
    void restoreLog() {
        System.setErr(err);
    }

    @Test
    void an_event_that_cannot_be_made_costs_neither_the_thread_nor_other_events() {
        try (BackgroundRecorder recorder = new BackgroundRecorder(recorded::addAll)) {
            recorder.offer(() -> event("SELECT 1"));
            recorder.offer(() -> {
                throw new NoClassDefFoundError("a/Missing");
            });
            recorder.offer(() -> {
                throw new IllegalStateException("unmade");
            });
            recorder.offer(() -> event("SELECT 2"));
        }
        assertThat(recorded).extracting(AuditEvent::sql).containsExactly("SELECT 1", "SELECT 2");
        assertThat(log.toString(StandardCharsets.UTF_8))
                .contains("an audit record was not made", "NoClassDefFoundError: a/Missing", "unmade");
    }

    @Test
    void an_event_that_cannot_be_stored_costs_neither_the_thread_nor_other_events() {
        AuditSink sink = events -> {
            if (events.stream().anyMatch(event -> event.sql().equals("poison"))) {
                throw new NoClassDefFoundError("a/Missing");
            }
            recorded.addAll(events);
        };
        try (BackgroundRecorder recorder = new BackgroundRecorder(sink)) {
            recorder.offer(() -> event("SELECT 1"));
            recorder.offer(() -> event("poison"));
            recorder.offer(() -> event("SELECT 2"));
        }
        assertThat(recorded).extracting(AuditEvent::sql).containsExactly("SELECT 1", "SELECT 2");
        assertThat(log.toString(StandardCharsets.UTF_8))
                .contains("an audit record was not written", "NoClassDefFoundError: a/Missing");
    }

    private static AuditEvent event(String sql) {
        return new AuditEvent(
                Instant.EPOCH,
                AuditEvent.Kind.DECISION,
                "agent",
                "localhost:5432/shop",
                sql,
                "",
                "SELECT",
                List.of(),
                RiskLevel.SAFE,
                "allowed",
                Optional.empty(),
                Optional.empty());
    }
}
