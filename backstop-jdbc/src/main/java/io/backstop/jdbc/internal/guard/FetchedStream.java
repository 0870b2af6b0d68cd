package io.backstop.jdbc.internal.guard;

import io.backstop.jdbc.internal.pipeline.statement.ServerCall;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.Reader;
import java.sql.SQLException;

/** What is read of a large object, part by part, each of which pgjdbc fetches from the server when it is wanted. */
final class FetchedStream extends FilterInputStream {
    private static final Logger LOG = LoggerFactory.getLogger(FetchedStream.class);

    private final GuardedConnection connection;

    FetchedStream(GuardedConnection connection, InputStream stream) {
        super(stream);
        this.connection = connection;
    }

    /** The same of text. */
    static Reader reader(GuardedConnection connection, Reader reader) {
        return new FetchedText(connection, reader);
    }

    @Override
    public int read() throws IOException {
        return fetch(connection, () -> super.read());
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
        return fetch(connection, () -> super.read(bytes, offset, length));
    }

    @Override
    public long skip(long count) throws IOException {
        return fetch(connection, () -> super.skip(count));
    }

    /** Asks the server where in the object the stream is; where it cannot be asked, {@link #reset} fails. */
    @Override
    public synchronized void mark(int limit) {
        try {
            fetch(connection, () -> {
                super.mark(limit);
                return 0;
            });
        } catch (IOException e) {
            LOG.debug("a place in a large object could not be kept: {}", e.getMessage());
        }
    }

    @Override
    public synchronized void reset() throws IOException {
        fetch(connection, () -> {
            super.reset();
            return 0;
        });
    }

    /** May close the large object on the server. */
    @Override
    public void close() throws IOException {
        close(connection, super::close);
    }

    private static <T> T fetch(GuardedConnection connection, Read<T> read) throws IOException {
        return told(() -> connection.fetching(call(read)));
    }

    private static void close(GuardedConnection connection, Close close) throws IOException {
        told(() -> connection.whileOpen(call(() -> {
            close.close();
            return connection;
        })));
    }

    private static <T> ServerCall<T> call(Read<T> read) {
        return () -> {
            try {
                return read.read();
            } catch (IOException e) {
                throw new UnreadException(e);
            }
        };
    }

    private static <T> T told(ServerCall<T> call) throws IOException {
        try {
            return call.run();
        } catch (UnreadException e) {
            throw e.failure;
        } catch (SQLException e) {
            throw new IOException(e.getMessage(), e);
        }
    }

    private static final class FetchedText extends Reader {
        private final GuardedConnection connection;
        private final Reader reader;

        FetchedText(GuardedConnection connection, Reader reader) {
            this.connection = connection;
            this.reader = reader;
        }

        @Override
        public int read(char[] characters, int offset, int length) throws IOException {
            return fetch(connection, () -> reader.read(characters, offset, length));
        }

        @Override
        public boolean ready() throws IOException {
            return fetch(connection, reader::ready);
        }

        @Override
        public void close() throws IOException {
            FetchedStream.close(connection, reader::close);
        }
    }

    /** Reads a part. */
    private interface Read<T> {
        T read() throws IOException;
    }

    /** Ends the reading. */
    private interface Close {
        void close() throws IOException;
    }

    /** Carries the stream's own failure through the session's turn. */
    private static final class UnreadException extends SQLException {
        private static final long serialVersionUID = 1;

        private final IOException failure;

        UnreadException(IOException failure) {
            super(failure);
            this.failure = failure;
        }
    }
}
