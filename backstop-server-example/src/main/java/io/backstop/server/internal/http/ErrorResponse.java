package io.backstop.server.internal.http;

import com.fasterxml.jackson.annotation.JsonInclude;

import java.util.Optional;

/**
 * The body of an answer to a request that failed. Immutable, thread-safe.
 *
 * @param error a fixed word, for programs
 * @param message a sentence without secrets, for people
 * @param requiredScope the scope that the token lacks; empty for every other failure
 */
@JsonInclude(JsonInclude.Include.NON_ABSENT)
public record ErrorResponse(String error, String message, Optional<String> requiredScope) {
    public static ErrorResponse of(String error, String message) {
        return new ErrorResponse(error, message, Optional.empty());
    }
}
