package io.backstop.server.internal.http;

import io.backstop.server.token.Caller;
import io.backstop.server.token.Scope;
import io.backstop.server.token.TokenFile;
import io.javalin.http.Context;

import java.util.Collections;
import java.util.List;
import java.util.Optional;

/** Identifies the caller of a request by its bearer token (RFC 6750). Thread-safe. */
public final class TokenAuthentication {
    private static final String SCHEME = "Bearer ";

    private final TokenFile tokens;

    public TokenAuthentication(TokenFile tokens) {
        this.tokens = tokens;
    }

    /**
     * The caller of this request, who has the scope.
     *
     * @throws RequestRefusedException with 401 if no known token is sent, with 403 if the token lacks the scope
     */
    public Caller require(Scope scope, Context request) throws RequestRefusedException {
        Caller caller = token(request)
                .flatMap(tokens::caller)
                .orElseThrow(() -> new RequestRefusedException(
                        401,
                        ErrorResponse.of(
                                "unauthorized", "a known token is needed, sent as `Authorization: Bearer <token>`")));
        if (!caller.may(scope)) {
            String message = "the token " + caller.id() + " does not have the scope " + scope.text();
            throw new RequestRefusedException(
                    403, new ErrorResponse("insufficient_scope", message, Optional.of(scope.text())));
        }
        return caller;
    }

    /** The token; empty unless exactly one header holds one. */
    private static Optional<String> token(Context request) {
        List<String> headers = Collections.list(request.req().getHeaders("Authorization"));
        if (headers.size() != 1 || !headers.get(0).regionMatches(true, 0, SCHEME, 0, SCHEME.length())) {
            return Optional.empty();
        }
        return Optional.of(headers.get(0).substring(SCHEME.length()).strip());
    }
}
