package io.backstop.snapshot.store;

import software.amazon.awssdk.core.exception.SdkException;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;

/** The content of an object in S3, whose failures are I/O errors like those of any other stream. */
final class S3InputStream extends FilterInputStream {
    private final String name;
    private final Failures failures;

    S3InputStream(InputStream content, String name, Failures failures) {
        super(content);
        this.name = name;
        this.failures = failures;
    }

    @Override
    public int read() throws IOException {
        try {
            return super.read();
        } catch (SdkException e) {
            throw failures.failure("read", name, e);
        }
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
        try {
            return super.read(target, offset, length);
        } catch (SdkException e) {
            throw failures.failure("read", name, e);
        }
    }

    /** Puts the SDK's exception into the store's words. */
    @FunctionalInterface
    interface Failures {
        IOException failure(String verb, String name, SdkException cause);
    }
}
