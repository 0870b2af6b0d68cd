package io.backstop.jdbc.guard;

import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * What is bound to a prepared statement, as hashes, for as long as somebody may have to approve exactly these values. Holds
 * no value itself, and nothing at all for a statement that can need no approval. Belongs to one statement; not thread-safe.
 */
final class ParameterRecord {
    private final boolean kept;
    private final Map<String, byte[]> values = new TreeMap<>();
    private final List<byte[]> batch = new ArrayList<>();
    private final Set<String> unrepeatable = new HashSet<>();
    private boolean batchRepeatable = true;

    /** @param kept whether the statement is one that an approval may be asked for */
    ParameterRecord(boolean kept) {
        this.kept = kept;
    }

    void bind(int index, long value) {
        if (kept) {
            put(String.valueOf(index), value);
        }
    }

    void bind(int index, double value) {
        if (kept) {
            put(String.valueOf(index), value);
        }
    }

    void bind(int index, boolean value) {
        if (kept) {
            put(String.valueOf(index), value);
        }
    }

    void bind(int index, Object value) {
        if (kept) {
            put(String.valueOf(index), value);
        }
    }

    /** @param how what else decides which value it becomes: a target type, a calendar */
    void bind(int index, Object value, Object how) {
        if (kept) {
            put(String.valueOf(index), value, String.valueOf(how));
        }
    }

    void bind(String name, Object value) {
        if (kept) {
            put(name, value);
        }
    }

    void bind(String name, Object value, Object how) {
        if (kept) {
            put(name, value, String.valueOf(how));
        }
    }

    /** A value that can be read only once, and so neither hashed nor compared. */
    void bindStream(Object parameter) {
        values.remove(String.valueOf(parameter));
        unrepeatable.add(String.valueOf(parameter));
    }

    private void put(String parameter, Object... parts) {
        Optional<byte[]> hash = ParameterHash.of(parts);
        if (hash.isPresent()) {
            values.put(parameter, hash.get());
            unrepeatable.remove(parameter);
        } else {
            bindStream(parameter);
        }
    }

    void clear() {
        values.clear();
        unrepeatable.clear();
    }

    void addBatch() {
        if (kept) {
            MessageDigest digest = ParameterHash.sha256();
            update(digest);
            batch.add(digest.digest());
            batchRepeatable &= unrepeatable.isEmpty();
        }
    }

    void clearBatch() {
        batch.clear();
        batchRepeatable = true;
    }

    /** Whether every value could be hashed. */
    boolean complete(boolean asBatch) {
        return kept && (asBatch ? batchRepeatable : unrepeatable.isEmpty());
    }

    /** Adds the values, or the batch where there is one; nothing where nothing is bound. */
    void update(MessageDigest digest, boolean asBatch) {
        if (asBatch) {
            batch.forEach(digest::update);
        } else {
            update(digest);
        }
    }

    private void update(MessageDigest digest) {
        values.forEach((parameter, hash) -> {
            digest.update((byte) 0);
            digest.update(parameter.getBytes(java.nio.charset.StandardCharsets.UTF_8));
            digest.update((byte) 0);
            digest.update(hash);
        });
    }
}
