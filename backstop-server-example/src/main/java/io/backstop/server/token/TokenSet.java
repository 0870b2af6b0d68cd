package io.backstop.server.token;

import java.util.List;
import java.util.Optional;

/** The tokens that one version of the token file holds. Immutable, thread-safe. */
final class TokenSet {
    private final List<Entry> entries;

    TokenSet(List<Entry> entries) {
        this.entries = List.copyOf(entries);
    }

    /**
     * The caller that presents this token; empty for an unknown one. Compares every entry, so that the time tells
     * nothing.
     */
    Optional<Caller> caller(String token) {
        TokenDigest presented = TokenDigest.of(token);
        Optional<Caller> found = Optional.empty();
        for (Entry entry : entries) {
            if (entry.digest().matches(presented)) {
                found = Optional.of(entry.caller());
            }
        }
        return found;
    }

    /** A token's digest and the caller that presents the token. */
    record Entry(TokenDigest digest, Caller caller) {}
}
