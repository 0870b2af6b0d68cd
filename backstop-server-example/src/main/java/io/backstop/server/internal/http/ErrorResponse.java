package io.backstop.server.internal.http;

import com.fasterxml.jackson.annotation.JsonInclude;

import java.util.Optional;

/**
 * What is answered where a request fails.
 *
 * @param error one word for programs
 * @param message a sentence for people, without anything secret
 * @param requiredScope the scope that the token lacks, where that is the problem
 */
@JsonInclude(JsonInclude.Include.NON_ABSENT)
public record ErrorResponse(String error, String message, Optional<String> requiredScope) {
    public static ErrorResponse of(String error, String message) {
        return new ErrorResponse(error, message, Optional.empty());
    }
}
