package io.backstop.jdbc.internal.pipeline.statement;

import java.security.MessageDigest;
import java.util.List;

/** The values that a prepared text is sent with, as hashes. */
public interface BoundValues {
    /**
     * Adds the hash of every value; nothing where nothing is bound.
     *
     * @return whether every value could be hashed; a stream, for example, cannot, and the digest is good for nothing then
     */
    boolean update(MessageDigest digest);

    /** The values as text by their positions, a list for each row; of a batch the first rows. */
    List<List<String>> texts();

    /** The types that they bring with them. */
    ValueTypes types();
}
