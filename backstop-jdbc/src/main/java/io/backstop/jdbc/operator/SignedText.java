package io.backstop.jdbc.operator;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/**
 * The bytes that a signature covers: every part with its length before it, and every list with its size, so that no two
 * different sequences of parts have the same bytes. Not thread-safe.
 */
public final class SignedText {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    /** @param purpose what the signature means, so that one that was made for something else never counts */
    public SignedText(String purpose) {
        add(purpose);
    }

    public SignedText add(String part) {
        byte[] text = part.getBytes(StandardCharsets.UTF_8);
        size(text.length);
        bytes.writeBytes(text);
        return this;
    }

    public SignedText add(long number) {
        return add(Long.toString(number));
    }

    public SignedText add(List<String> parts) {
        size(parts.size());
        parts.forEach(this::add);
        return this;
    }

    public SignedText add(Map<String, String> sorted) {
        size(sorted.size());
        sorted.forEach((key, value) -> add(key).add(value));
        return this;
    }

    private void size(int size) {
        bytes.writeBytes(ByteBuffer.allocate(Integer.BYTES).putInt(size).array());
    }

    byte[] bytes() {
        return bytes.toByteArray();
    }
}
