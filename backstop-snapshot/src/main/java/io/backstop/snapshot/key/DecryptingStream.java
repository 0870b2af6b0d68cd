package io.backstop.snapshot.key;

import org.jspecify.annotations.Nullable;

import javax.crypto.AEADBadTagException;

import java.io.IOException;
import java.io.OutputStream;
import java.util.Arrays;

/** Decrypts an object segment by segment and holds one of them. Not thread-safe. */
public final class DecryptingStream extends OutputStream {
    private static final int SEALED = DataKey.SEGMENT + AesGcm.TAG;

    private final DataKey.Ciphers ciphers;
    private final OutputStream target;
    private final byte[] held = new byte[SEALED];
    private final byte[] plain = new byte[SEALED];
    private final long last;

    private @Nullable AesGcm cipher;
    private long left;
    private int count;
    private long segment;

    DecryptingStream(DataKey.Ciphers ciphers, OutputStream target, long bytes) {
        this.ciphers = ciphers;
        this.target = target;
        this.left = bytes;
        this.last = Math.max(0, (bytes - DataKey.HEAD - 1) / SEALED);
    }

    @Override
    public void write(int b) throws IOException {
        write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] source, int offset, int length) throws IOException {
        for (int done = 0; done < length; ) {
            int part = Math.min(length - done, (cipher == null ? DataKey.HEAD : SEALED) - count);
            System.arraycopy(source, offset + done, held, count, part);
            count += part;
            done += part;
            left -= part;
            if (cipher == null ? count == DataKey.HEAD : count == SEALED || left == 0) {
                take();
            }
        }
    }

    private void take() throws IOException {
        if (cipher == null) {
            byte[] magic = DataKey.magic();
            if (!Arrays.equals(held, 0, magic.length, magic, 0, magic.length)) {
                throw new ChangedContentException();
            }
            cipher = ciphers.of(Arrays.copyOfRange(held, magic.length, DataKey.HEAD));
        } else {
            try {
                int bytes = cipher.decrypt(DataKey.nonce(segment, segment == last), held, 0, count, plain, 0);
                target.write(plain, 0, bytes);
            } catch (AEADBadTagException e) {
                throw DataKey.changed(e);
            }
            segment++;
        }
        count = 0;
    }

    /** Makes sure that all of it was there. */
    public void finish() throws IOException {
        if (left != 0 || segment != last + 1) {
            throw new ChangedContentException();
        }
    }
}
