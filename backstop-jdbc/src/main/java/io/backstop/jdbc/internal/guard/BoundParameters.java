package io.backstop.jdbc.internal.guard;

import io.backstop.jdbc.internal.digest.Sha256Digest;
import io.backstop.jdbc.internal.pipeline.statement.BoundValues;
import io.backstop.jdbc.internal.pipeline.statement.ValueTypes;
import org.postgresql.core.TypeInfo;
import org.postgresql.util.ByteStreamWriter;

import java.io.InputStream;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Calendar;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What is bound to a prepared statement, for the case that somebody has to approve exactly these values: a value that nobody
 * can change is kept as it is until then, of any other the hash is; and which of them can be read only once. Whether an
 * approval is needed is known only when the statement is executed. Belongs to one statement; not thread-safe.
 */
final class BoundParameters {
    private static final int FIRST_CAPACITY = 4;

    /** So many rows of a batch can be told, and so many values of each. */
    private static final int TOLD_ROWS = 20;

    private static final int TOLD_VALUES = 100;

    private final Sending sending;

    /** Stands for what cannot be hashed. */
    private enum Unkept {
        /** The driver may find nothing in it the second time. */
        READ_ONCE,
        /** Its hash cannot be told. */
        UNKNOWN
    }

    private static final Object NULL = ParameterHash.hashed(null);

    /** By position; null where nothing is bound. */
    private Object[] positions = {};

    /** Of a call's named parameters; null where there are none. */
    private Map<String, Object> names;

    /** What was bound last: a position from 1, or else a name; 0 and null where nothing was. */
    private int lastPosition;

    private String lastName;

    /** Of everything that was ever bound, in whichever row. */
    private final BoundTypes types = new BoundTypes();

    private final List<byte[]> batch = new ArrayList<>();
    private boolean batchHashed = true;

    /** The values of the first rows of the batch. */
    private final List<Object[]> batchBeginning = new ArrayList<>();

    private final BoundValues currentValues = new BoundValues() {
        @Override
        public boolean update(MessageDigest digest) {
            return BoundParameters.this.update(digest);
        }

        @Override
        public List<List<String>> texts() {
            return List.of(BoundParameters.texts(positions, names));
        }

        @Override
        public ValueTypes types() {
            return types.types();
        }
    };

    private final BoundValues batchValues = new BoundValues() {
        @Override
        public boolean update(MessageDigest digest) {
            digest.update(("batch of " + batch.size() + "\0").getBytes(StandardCharsets.UTF_8));
            batch.forEach(digest::update);
            return batchHashed;
        }

        @Override
        public List<List<String>> texts() {
            return batchBeginning.stream()
                    .map(row -> BoundParameters.texts(row, null))
                    .toList();
        }

        @Override
        public ValueTypes types() {
            return types.types();
        }
    };

    BoundParameters(Sending sending) {
        this.sending = sending;
    }

    /** Tells what the driver will send. */
    @FunctionalInterface
    interface Sending {
        String text() throws SQLException;
    }

    /** What the driver will send, which is what counts, whatever was made of the values when they were bound. */
    private Optional<String> sent() {
        try {
            return Optional.of(sending.text());
        } catch (SQLException e) {
            return Optional.empty();
        }
    }

    /** @param value a stream or a reader too */
    void bind(int index, Object value) {
        put(index, kept(value));
    }

    /** @param how what else decides which value it becomes: a target type, a calendar */
    void bind(int index, Object value, Object how) {
        put(index, kept(value, how));
    }

    void bind(String name, Object value) {
        put(name, kept(value));
    }

    void bind(String name, Object value, Object how) {
        put(name, kept(value, how));
    }

    private void put(int index, Object kept) {
        if (index < 1) {
            return; // which the driver refuses
        }
        if (index > positions.length) {
            positions = Arrays.copyOf(positions, Math.max(index, Math.max(FIRST_CAPACITY, 2 * positions.length)));
        }
        positions[index - 1] = kept;
        lastPosition = index;
    }

    private void put(String name, Object kept) {
        if (names == null) {
            names = new TreeMap<>();
        }
        names.put(name, kept);
        lastPosition = 0;
        lastName = name;
    }

    /** The driver has not taken what was bound last, so that an older value may be sent in its place. */
    void failed() {
        if (lastPosition > 0) {
            positions[lastPosition - 1] = Unkept.UNKNOWN;
        } else if (lastName != null && names != null) {
            names.put(lastName, Unkept.UNKNOWN);
        }
    }

    /** A NULL of a type that is named. */
    void bindNull(int index, String how, String typeName) {
        bind(index, null, how);
        types.named(typeName);
    }

    /** The driver has bound the value, and so knows its type. */
    void bound(Object value, TypeInfo driver) throws SQLException {
        types.sent(value, driver);
    }

    void boundNull(String typeName, TypeInfo driver) throws SQLException {
        types.sentNull(typeName, driver);
    }

    private Object kept(Object value) {
        if (value == null) {
            return NULL;
        }
        if (ParameterHash.staysAsItIs(value)) {
            return value;
        }
        Object kept = isReadOnce(value) ? Unkept.READ_ONCE : hashed(value);
        types.ofValue(value);
        return kept;
    }

    private Object kept(Object value, Object how) {
        Object kept = value != null && isReadOnce(value) ? Unkept.READ_ONCE : hashed(value, meaning(how));
        types.ofValue(value);
        return kept;
    }

    /** Of a calendar the driver takes the zone alone. */
    private static String meaning(Object how) {
        return how instanceof Calendar calendar ? calendar.getTimeZone().getID() : String.valueOf(how);
    }

    private static Object hashed(Object... valueAndHow) {
        return ParameterHash.of(valueAndHow)
                .<Object>map(hash -> new ParameterHash.Hashed(hash, ParameterHash.text(valueAndHow[0])))
                .orElse(Unkept.UNKNOWN);
    }

    /**
     * Whether the driver may read the value when it sends it, and finds nothing the next time. JDBC lets it do so with every
     * stream and reader. A Blob, a Clob or an SQLXML is none, whatever it was made from: pgjdbc reads it when it is bound.
     */
    private static boolean isReadOnce(Object value) {
        return value instanceof InputStream || value instanceof Reader || value instanceof ByteStreamWriter;
    }

    /** Whether what is bound now is the same when it is sent a second time. */
    boolean repeatable() {
        return !holds(Unkept.READ_ONCE);
    }

    private boolean holds(Unkept kind) {
        for (Object value : positions) {
            if (value == kind) {
                return true;
            }
        }
        return names != null && names.containsValue(kind);
    }

    void clear() {
        Arrays.fill(positions, null);
        names = null;
        lastPosition = 0;
        lastName = null;
    }

    void addBatch() {
        MessageDigest digest = Sha256Digest.start();
        batchHashed &= update(digest);
        batch.add(digest.digest());
        if (batchBeginning.size() < TOLD_ROWS) {
            batchBeginning.add(positions.clone());
        }
    }

    int batchSize() {
        return batch.size();
    }

    void clearBatch() {
        batch.clear();
        batchBeginning.clear();
        batchHashed = true;
    }

    /** What one execution sends: the values that are bound now, or those that were added to the batch. */
    BoundValues bound(boolean asBatch) {
        return asBatch ? batchValues : currentValues;
    }

    /** Whether every value could be hashed; the text that the driver makes of them is asked for once only. */
    private boolean update(MessageDigest digest) {
        if (holds(Unkept.READ_ONCE) || holds(Unkept.UNKNOWN)) {
            return false;
        }
        Optional<String> sent = sent();
        if (sent.isEmpty()) {
            return false;
        }
        for (int i = 0; i < positions.length; i++) {
            update(digest, String.valueOf(i + 1), positions[i]);
        }
        if (names != null) {
            names.forEach((name, value) -> update(digest, name, value));
        }
        digest.update((byte) 0);
        digest.update(sent.get().getBytes(StandardCharsets.UTF_8));
        return true;
    }

    private static List<String> texts(Object[] positions, Map<String, Object> names) {
        int bound = positions.length;
        while (bound > 0 && positions[bound - 1] == null) {
            bound--;
        }
        List<String> texts = new ArrayList<>();
        for (int i = 0; i < Math.min(bound, TOLD_VALUES); i++) {
            texts.add(text(positions[i]));
        }
        if (names != null) {
            names.forEach((name, value) -> texts.add(text(value)));
        }
        return texts;
    }

    private static String text(Object kept) {
        if (kept == null) {
            return "(not bound)";
        }
        return kept instanceof Unkept ? "(not kept)" : ParameterHash.text(kept);
    }

    private static void update(MessageDigest digest, String parameter, Object kept) {
        if (kept == null) {
            return;
        }
        digest.update((byte) 0);
        digest.update(parameter.getBytes(StandardCharsets.UTF_8));
        digest.update((byte) 0);
        digest.update(ParameterHash.hashed(kept).bytes());
    }
}
