package io.backstop.snapshot.internal.copy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Room for chunks is given back whatever happens to them, so that no reader waits for room that never comes. */
@Timeout(30)
class ChunkUploadsTest {
    /** As many bytes as an empty buffer holds, so that there is room for two of them. */
    private static final int CHUNK = 4 << 10;

    private static void failing(ChunkUploads uploads) throws IOException {
        Future<Object> upload = uploads.store(uploads.buffer(), () -> {
            throw new IOException("no space left");
        });
        assertThatThrownBy(upload::get).isInstanceOf(ExecutionException.class);
    }

    @Test
    void every_chunk_after_a_failure_is_refused_and_none_waits_for_room() throws IOException {
        try (ChunkUploads uploads = new ChunkUploads(CHUNK)) {
            failing(uploads);
            for (int i = 0; i < 10; i++) {
                assertThatThrownBy(() -> uploads.store(uploads.buffer(), () -> ""))
                        .isInstanceOf(IOException.class)
                        .hasMessage("no space left");
            }
        }
    }

    @Test
    void a_reader_that_waits_for_room_is_refused_when_another_ones_chunk_fails() throws Exception {
        CountDownLatch fail = new CountDownLatch(1);
        try (ChunkUploads uploads = new ChunkUploads(CHUNK)) {
            List<Future<Object>> uploading = new ArrayList<>();
            for (int i = 0; i < 2; i++) {
                uploading.add(uploads.store(uploads.buffer(), () -> {
                    fail.await();
                    throw new IOException("no space left");
                }));
            }
            List<FutureTask<String>> readers = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
                FutureTask<String> reader = new FutureTask<>(
                        () -> uploads.store(uploads.buffer(), () -> "").get());
                Thread thread = new Thread(reader, "reader");
                thread.start();
                while (thread.getState() != Thread.State.WAITING) {
                    Thread.onSpinWait();
                }
                readers.add(reader);
            }
            fail.countDown();
            for (Future<Object> upload : uploading) {
                assertThatThrownBy(upload::get).hasRootCauseMessage("no space left");
            }
            for (FutureTask<String> reader : readers) {
                assertThatThrownBy(reader::get).hasRootCauseMessage("no space left");
            }
        }
    }

    @Test
    void an_error_while_a_chunk_is_stored_gives_its_room_back_and_is_told_to_the_others() throws IOException {
        try (ChunkUploads uploads = new ChunkUploads(CHUNK)) {
            Future<Object> upload = uploads.store(uploads.buffer(), () -> {
                throw new OutOfMemoryError("no room on the heap");
            });
            assertThatThrownBy(upload::get).hasCauseInstanceOf(OutOfMemoryError.class);
            for (int i = 0; i < 10; i++) {
                assertThatThrownBy(() -> uploads.store(uploads.buffer(), () -> ""))
                        .isInstanceOf(IOException.class)
                        .hasRootCauseInstanceOf(OutOfMemoryError.class);
            }
        }
    }

    @Test
    void what_is_given_after_the_end_is_refused_and_holds_no_room() {
        ChunkUploads uploads = new ChunkUploads(CHUNK);
        uploads.close();
        for (int i = 0; i < 10; i++) {
            assertThatThrownBy(() -> uploads.store(uploads.buffer(), () -> "")).isInstanceOf(RuntimeException.class);
        }
    }

    @Test
    void chunks_that_are_stored_give_their_room_to_the_next() throws Exception {
        try (ChunkUploads uploads = new ChunkUploads(CHUNK)) {
            for (int i = 0; i < 10; i++) {
                assertThat(uploads.store(uploads.buffer(), () -> "stored").get())
                        .isEqualTo("stored");
            }
        }
    }
}
