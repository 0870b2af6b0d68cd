package io.backstop.jdbc.internal.pipeline.statement;

import io.backstop.jdbc.internal.digest.Sha256Digest;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.HexFormat;

/** The SHA-256 by which an approval knows its statement. Stateless. */
final class StatementDigest {
    private StatementDigest() {}

    /** A digest that has taken in the text; how its strings are read belongs to what it says. */
    static MessageDigest of(AssessedText text) {
        MessageDigest digest = Sha256Digest.start();
        if (!text.standardConformingStrings()) {
            digest.update("standard_conforming_strings=off\0".getBytes(StandardCharsets.UTF_8));
        }
        digest.update(text.sql().getBytes(StandardCharsets.UTF_8));
        return digest;
    }

    static String hex(MessageDigest digest) {
        return HexFormat.of().formatHex(digest.digest());
    }
}
