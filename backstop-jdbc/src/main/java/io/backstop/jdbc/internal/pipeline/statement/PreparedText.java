package io.backstop.jdbc.internal.pipeline.statement;

import org.jspecify.annotations.Nullable;

import java.sql.SQLException;
import java.util.Optional;

/**
 * The text of a prepared statement: read when it is prepared, and again only where the session's settings have changed what
 * it means. Belongs to one statement; not thread-safe.
 */
public final class PreparedText {
    private final String sql;
    private final boolean call;
    private AssessedText latest;

    /** The same with the types of what is bound; null where no value has brought one yet. */
    private @Nullable TypedText typed;

    /** @param call whether JDBC prepares it as a call */
    public PreparedText(String sql, boolean call, TextAssessor assessor) throws SQLException {
        this.sql = sql;
        this.call = call;
        this.latest = read(assessor);
    }

    private AssessedText read(TextAssessor assessor) throws SQLException {
        return call ? assessor.assessCall(sql) : assessor.assessSentLater(sql);
    }

    /** The text, where it is not prepared as a call. */
    Optional<String> preparable() {
        return call ? Optional.empty() : Optional.of(sql);
    }

    /** As it was read last. */
    public AssessedText latest() {
        return latest;
    }

    /**
     * Read again where the setting of how strings are read has changed.
     *
     * @param types of the values that it is sent with, as {@link BoundValues#types} has them
     */
    AssessedText assess(TextAssessor assessor, ValueTypes types) throws SQLException {
        if (latest.standardConformingStrings() != assessor.standardConformingStrings()) {
            latest = read(assessor);
            typed = null;
        }
        if (types.equals(ValueTypes.NONE)) {
            return latest;
        }
        TypedText known = typed;
        if (known == null || !known.types().equals(types)) {
            known = TypedText.of(latest, types);
            typed = known;
        }
        return known.text();
    }
}
