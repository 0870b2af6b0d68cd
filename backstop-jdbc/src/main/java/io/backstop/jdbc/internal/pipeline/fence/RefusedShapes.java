package io.backstop.jdbc.internal.pipeline.fence;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.backstop.jdbc.internal.analysis.scan.Lexer;
import io.backstop.jdbc.internal.analysis.scan.StatementShape;
import io.backstop.jdbc.internal.digest.Sha256Digest;
import io.backstop.jdbc.internal.pipeline.statement.AssessedText;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;

/**
 * The shapes of texts that were judged SAFE and that the server refused in a read-only transaction; texts of one shape
 * differ in their literals alone. Bounded, thread-safe.
 */
final class RefusedShapes {
    private static final int MOST = 10_000;

    private final Cache<String, Boolean> shapes =
            Caffeine.newBuilder().maximumSize(MOST).build();
    private volatile boolean any;

    void add(AssessedText text) {
        shapes.put(shape(text), true);
        any = true;
    }

    /** Costs nothing while nothing was refused. */
    boolean contains(AssessedText text) {
        return any && shapes.getIfPresent(shape(text)) != null;
    }

    private static String shape(AssessedText text) {
        String shape = StatementShape.of(Lexer.scan(text.sql(), text.standardConformingStrings()));
        return HexFormat.of().formatHex(Sha256Digest.start().digest(shape.getBytes(StandardCharsets.UTF_8)));
    }
}
