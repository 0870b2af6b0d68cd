package io.backstop.jdbc.analysis;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.StatementAssessment;
import org.jspecify.annotations.Nullable;

/**
 * Remembers assessments for one setting of standard_conforming_strings, bounded by bytes. A text that came before is found
 * by itself; a text that differs from one before in its literals alone shares the other's assessment by its shape, unless
 * the literals were looked at. Thread-safe.
 */
final class AssessmentCache {
    /** Longer texts are rare, and rarely sent twice. */
    static final int LONGEST_TEXT = 8_192;

    private static final long BYTES_OF_TEXTS = 4L << 20;
    private static final long BYTES_OF_SHAPES = 8L << 20;
    private static final int ENTRY = 96;
    private static final int STATEMENT = 256;
    private static final int PART = 64;

    /** The entries here are keys and references; what they refer to is weighed with the shapes. */
    private final Cache<String, Assessment> byText = cache(BYTES_OF_TEXTS);

    private final Cache<String, Assessment> byShape = cache(BYTES_OF_SHAPES);

    private static Cache<String, Assessment> cache(long bytes) {
        return Caffeine.newBuilder()
                .maximumWeight(bytes)
                .weigher(AssessmentCache::weight)
                .build();
    }

    @Nullable
    Assessment byText(String text) {
        return byText.getIfPresent(text);
    }

    @Nullable
    Assessment byShape(String shape) {
        return byShape.getIfPresent(shape);
    }

    void text(String text, Assessment assessment) {
        byText.put(text, assessment);
    }

    void shape(String shape, Assessment assessment) {
        byShape.put(shape, assessment);
    }

    private static int weight(String key, Assessment assessment) {
        int weight = ENTRY + 2 * key.length();
        for (StatementAssessment statement : assessment.statements()) {
            int parts = statement.inner().size()
                    + statement.targets().size()
                    + statement.reads().size()
                    + statement.columnsWritten().size()
                    + statement.functions().size()
                    + 2 * statement.findings().size()
                    + statement.destructions().size();
            weight += STATEMENT + PART * parts + statement.mentions().weight();
        }
        return weight;
    }
}
