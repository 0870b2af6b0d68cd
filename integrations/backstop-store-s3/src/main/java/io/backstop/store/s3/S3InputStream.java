package io.backstop.store.s3;

import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.core.ResponseInputStream;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.UncheckedIOException;
import java.util.Objects;

/**
 * The content of an object in S3, whose failures are I/O errors like those of any other stream. Where the connection ends
 * before the content does, it goes on from there with another one. Ends with an error when its time is over. Not
 * thread-safe.
 */
final class S3InputStream extends InputStream {
    private static final int ATTEMPTS = 3;

    private final String description;
    private final Source source;
    private final long length;
    private final String version;
    private final long end;
    private @Nullable ResponseInputStream<GetObjectResponse> content;
    private long position;
    private int failures;

    /** @param description names object and store in messages */
    S3InputStream(String description, Source source, StoreTimeouts patience) throws IOException {
        this.description = description;
        this.source = source;
        this.content = source.open(0, "");
        GetObjectResponse answer = content.response();
        if (answer.contentLength() == null || answer.eTag() == null) {
            content.abort();
            throw new IOException(
                    "cannot read " + description + ": the server does not tell its length and its version");
        }
        this.length = answer.contentLength();
        this.version = answer.eTag();
        this.end = System.nanoTime() + patience.call(length).toNanos();
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
        Objects.checkFromIndexSize(offset, length, target.length);
        if (length == 0) {
            return 0;
        }
        while (position < this.length) {
            int count = readOnce(target, offset, length);
            if (count > 0) {
                position += count;
                return count;
            }
        }
        return -1;
    }

    /** Nothing, where the connection failed and another one is worth an attempt. */
    private int readOnce(byte[] target, int offset, int length) throws IOException {
        try {
            if (content == null) {
                content = source.open(position, version);
            }
            int count = content.read(target, offset, length);
            if (count < 0) {
                throw new IOException("the connection ended after " + position + " of " + this.length + " bytes");
            }
            checkTime();
            return count;
        } catch (IOException | UncheckedIOException | SdkException e) {
            abort();
            failures++;
            if (failures == ATTEMPTS || Thread.currentThread().isInterrupted() || isLate()) {
                throw new IOException("cannot read " + description + ": " + e.getMessage(), e);
            }
            return 0;
        }
    }

    private void checkTime() throws InterruptedIOException {
        if (isLate()) {
            throw new InterruptedIOException("it took too long, " + position + " of " + length + " bytes came");
        }
    }

    private boolean isLate() {
        return System.nanoTime() - end > 0;
    }

    private void abort() {
        if (content != null) {
            content.abort();
            content = null;
        }
    }

    @Override
    public void close() throws IOException {
        if (content != null && position == length) {
            content.close();
        } else {
            abort();
        }
    }

    /** Opens the content from a position on. */
    @FunctionalInterface
    interface Source {
        /** @param version the ETag of the object that is meant, which does not matter from position 0 */
        ResponseInputStream<GetObjectResponse> open(long position, String version) throws IOException;
    }
}
