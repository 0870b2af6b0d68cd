package io.backstop.jdbc.control;

import io.backstop.api.control.Alert;

import java.time.Instant;
import java.util.Optional;

/** An alert as answers show it: one flat object. Immutable, thread-safe. */
public record AlertView(
        String id,
        Alert.Kind kind,
        String subject,
        String message,
        Instant raisedAt,
        Instant lastAt,
        long count,
        boolean acknowledged,
        Optional<String> acknowledgedBy,
        Optional<Instant> acknowledgedAt) {
    public static AlertView of(Alert alert) {
        return new AlertView(
                alert.id(),
                alert.kind(),
                alert.subject(),
                alert.message(),
                alert.raisedAt(),
                alert.lastAt(),
                alert.count(),
                alert.acknowledgement().isPresent(),
                alert.acknowledgement().map(Alert.Acknowledgement::by),
                alert.acknowledgement().map(Alert.Acknowledgement::at));
    }
}
