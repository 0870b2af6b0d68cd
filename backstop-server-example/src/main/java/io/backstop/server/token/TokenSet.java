package io.backstop.server.token;

import java.util.List;
import java.util.Optional;

/** The tokens of one version of the token file. Immutable, thread-safe. */
final class TokenSet {
    private final List<Entry> entries;

    TokenSet(List<Entry> entries) {
        this.entries = List.copyOf(entries);
    }

    /** Whom the token stands for, if it is one. Looks at every entry, so that the time it takes tells nothing. */
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

    /** A token's digest and whom it stands for. */
    record Entry(TokenDigest digest, Caller caller) {}
}
