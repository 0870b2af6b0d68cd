package io.backstop.jdbc.internal.guard;

import io.backstop.jdbc.internal.digest.Sha256Digest;
import io.backstop.jdbc.internal.pipeline.statement.BoundValues;
import org.postgresql.util.ByteStreamWriter;

import java.io.InputStream;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * What is bound to a prepared statement: as hashes, for as long as somebody may have to approve exactly these values, and
 * which of them can be read only once. Holds no value itself, and no hash for a statement that can need no approval. Belongs
 * to one statement; not thread-safe.
 */
final class BoundParameters {
    private final boolean kept;
    private final Map<String, byte[]> values = new TreeMap<>();
    private final List<byte[]> batch = new ArrayList<>();
    private final Set<String> unhashed = new HashSet<>();
    private final Set<String> readOnce = new HashSet<>();
    private boolean batchHashed = true;

    private final BoundValues currentValues = new BoundValues() {
        @Override
        public boolean complete() {
            return kept && unhashed.isEmpty();
        }

        @Override
        public void update(MessageDigest digest) {
            BoundParameters.this.update(digest);
        }
    };

    private final BoundValues batchValues = new BoundValues() {
        @Override
        public boolean complete() {
            return kept && batchHashed;
        }

        @Override
        public void update(MessageDigest digest) {
            batch.forEach(digest::update);
        }
    };

    /** @param kept whether the statement is one that an approval may be asked for, so that its hashes are kept */
    BoundParameters(boolean kept) {
        this.kept = kept;
    }

    void bind(int index, long value) {
        if (concerns(null)) {
            put(String.valueOf(index), value);
        }
    }

    void bind(int index, double value) {
        if (concerns(null)) {
            put(String.valueOf(index), value);
        }
    }

    void bind(int index, boolean value) {
        if (concerns(null)) {
            put(String.valueOf(index), value);
        }
    }

    /** @param value a stream or a reader too */
    void bind(int index, Object value) {
        if (concerns(value)) {
            put(String.valueOf(index), value);
        }
    }

    /** @param how what else decides which value it becomes: a target type, a calendar */
    void bind(int index, Object value, Object how) {
        if (concerns(value)) {
            put(String.valueOf(index), value, String.valueOf(how));
        }
    }

    void bind(String name, Object value) {
        if (concerns(value)) {
            put(name, value);
        }
    }

    void bind(String name, Object value, Object how) {
        if (concerns(value)) {
            put(name, value, String.valueOf(how));
        }
    }

    /** Whether there is anything to write down of a value, or to strike out: mostly not, where nothing is kept. */
    private boolean concerns(Object value) {
        return kept || !readOnce.isEmpty() || isReadOnce(value);
    }

    /**
     * Whether the driver may read the value when it sends it, and finds nothing the next time. JDBC lets it do so with every
     * stream and reader. A Blob, a Clob or an SQLXML is none, whatever it was made from: pgjdbc reads it when it is bound.
     */
    private static boolean isReadOnce(Object value) {
        return value instanceof InputStream || value instanceof Reader || value instanceof ByteStreamWriter;
    }

    private void put(String parameter, Object... valueAndHow) {
        boolean once = isReadOnce(valueAndHow[0]);
        if (once) {
            readOnce.add(parameter);
        } else {
            readOnce.remove(parameter);
        }
        if (kept) {
            keep(parameter, once ? Optional.empty() : ParameterHash.of(valueAndHow));
        }
    }

    private void keep(String parameter, Optional<byte[]> hash) {
        if (hash.isPresent()) {
            values.put(parameter, hash.get());
            unhashed.remove(parameter);
        } else {
            values.remove(parameter);
            unhashed.add(parameter);
        }
    }

    /** Whether what is bound now is the same when it is sent a second time. */
    boolean repeatable() {
        return readOnce.isEmpty();
    }

    void clear() {
        values.clear();
        unhashed.clear();
        readOnce.clear();
    }

    void addBatch() {
        if (kept) {
            MessageDigest digest = Sha256Digest.start();
            update(digest);
            batch.add(digest.digest());
            batchHashed &= unhashed.isEmpty();
        }
    }

    void clearBatch() {
        batch.clear();
        batchHashed = true;
    }

    /** What one execution sends: the values that are bound now, or those that were added to the batch. */
    BoundValues bound(boolean asBatch) {
        return asBatch ? batchValues : currentValues;
    }

    private void update(MessageDigest digest) {
        values.forEach((parameter, hash) -> {
            digest.update((byte) 0);
            digest.update(parameter.getBytes(StandardCharsets.UTF_8));
            digest.update((byte) 0);
            digest.update(hash);
        });
    }
}
