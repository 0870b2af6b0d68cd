package io.backstop.jdbc.internal.guard;

import io.backstop.api.analysis.Assessment;
import io.backstop.jdbc.internal.pipeline.statement.Submission;

import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Optional;

/** A prepared text with the values that are bound to it, or with its batch of them. */
record PreparedSubmission(
        String sql,
        Assessment assessment,
        boolean standardConformingStrings,
        BoundParameters parameters,
        boolean asBatch)
        implements Submission {
    /** The same with all the values that were added to the batch, rather than the ones bound now. */
    PreparedSubmission inBatch() {
        return new PreparedSubmission(sql, assessment, standardConformingStrings, parameters, true);
    }

    @Override
    public Optional<String> sha256() {
        if (!parameters.complete(asBatch)) {
            return Optional.empty();
        }
        MessageDigest digest = ParameterHash.over(sql, standardConformingStrings);
        parameters.update(digest, asBatch);
        return Optional.of(HexFormat.of().formatHex(digest.digest()));
    }
}
