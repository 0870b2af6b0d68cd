package io.backstop.jdbc.internal.pipeline.statement;

import io.backstop.jdbc.internal.digest.Sha256Digest;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;

/** The SHA-256 by which an approval knows its statement. Stateless. */
final class StatementDigest {
    private StatementDigest() {}

    /** A digest that has taken in the text; how its strings are read belongs to what it says. */
    static MessageDigest of(AssessedText text) {
        MessageDigest digest = start(text.standardConformingStrings());
        digest.update(text.sql().getBytes(StandardCharsets.UTF_8));
        return digest;
    }

    /** Over every text with its length: a batch is another thing than one text that joins them. No text holds a NUL. */
    static String ofBatch(List<String> texts, boolean standardConformingStrings) {
        MessageDigest digest = start(standardConformingStrings);
        digest.update(("batch of " + texts.size() + "\0").getBytes(StandardCharsets.UTF_8));
        for (String text : texts) {
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            digest.update((bytes.length + "\0").getBytes(StandardCharsets.UTF_8));
            digest.update(bytes);
        }
        return hex(digest);
    }

    private static MessageDigest start(boolean standardConformingStrings) {
        MessageDigest digest = Sha256Digest.start();
        if (!standardConformingStrings) {
            digest.update("standard_conforming_strings=off\0".getBytes(StandardCharsets.UTF_8));
        }
        return digest;
    }

    static String hex(MessageDigest digest) {
        return HexFormat.of().formatHex(digest.digest());
    }
}
