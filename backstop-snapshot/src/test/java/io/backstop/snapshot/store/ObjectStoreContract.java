package io.backstop.snapshot.store;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** What every store does in the same way. */
public abstract class ObjectStoreContract {
    /** A new store with nothing in it. */
    protected abstract ObjectStore store() throws IOException;

    /** The same place through another object. */
    protected abstract ObjectStore again(ObjectStore store);

    @Test
    void a_store_that_answers_is_readable_also_before_anything_is_stored() throws IOException {
        try (ObjectStore store = store()) {
            store.requireReadable();
            store.put("a/b", ByteBuffer.wrap(new byte[] {1}));
            store.requireReadable();
        }
    }

    @Test
    void gives_back_what_was_put_also_through_another_object() throws IOException {
        try (ObjectStore store = store();
                ObjectStore other = again(store)) {
            byte[] content = new byte[3_000_000];
            new Random(7).nextBytes(content);
            store.put("a/b%2E=-_.x", ByteBuffer.wrap(content));
            assertThat(read(other, "a/b%2E=-_.x")).isEqualTo(content);
        }
    }

    @Test
    void does_all_that_snapshots_ask_of_it() throws IOException {
        try (ObjectStore store = store()) {
            assertThat(StorageProbe.run(store))
                    .allSatisfy(step ->
                            assertThat(step.problem()).as(step.toString()).isEmpty());
            assertThat(store.list("")).isEmpty();
        }
    }

    @Test
    void keeps_an_empty_object() throws IOException {
        try (ObjectStore store = store()) {
            store.putNew("empty", ByteBuffer.allocate(0));
            assertThat(read(store, "empty")).isEmpty();
        }
    }

    @Test
    void stores_the_remaining_part_of_a_buffer_and_leaves_the_buffer_as_it_is() throws IOException {
        try (ObjectStore store = store()) {
            ByteBuffer content = bytes("0123456789").position(2).limit(5);
            store.put("put", content);
            store.putNew("new", content);
            assertThat(text(store, "put")).isEqualTo("234");
            assertThat(text(store, "new")).isEqualTo("234");
            assertThat(content.remaining()).isEqualTo(3);
        }
    }

    @Test
    void put_replaces_an_object() throws IOException {
        try (ObjectStore store = store()) {
            store.put("a", bytes("one"));
            store.put("a", bytes("two"));
            assertThat(text(store, "a")).isEqualTo("two");
        }
    }

    @Test
    void put_new_refuses_to_replace_an_object() throws IOException {
        try (ObjectStore store = store()) {
            store.put("a", bytes("one"));
            assertThatThrownBy(() -> store.putNew("a", bytes("two"))).isInstanceOf(FileAlreadyExistsException.class);
            assertThat(text(store, "a")).isEqualTo("one");
        }
    }

    @Test
    void of_several_that_put_a_new_object_at_once_one_succeeds() throws Exception {
        try (ObjectStore store = store()) {
            int racers = 8;
            CyclicBarrier barrier = new CyclicBarrier(racers);
            List<Callable<Boolean>> puts = IntStream.range(0, racers)
                    .<Callable<Boolean>>mapToObj(i -> () -> {
                        barrier.await();
                        try {
                            store.putNew("manifest", bytes("racer " + i));
                            return true;
                        } catch (FileAlreadyExistsException e) {
                            return false;
                        }
                    })
                    .toList();
            ExecutorService threads = Executors.newFixedThreadPool(racers);
            List<Boolean> won = new ArrayList<>();
            for (Future<Boolean> put : threads.invokeAll(puts)) {
                won.add(put.get());
            }
            threads.shutdownNow();
            assertThat(won).containsOnlyOnce(true);
            assertThat(text(store, "manifest")).isEqualTo("racer " + won.indexOf(true));
            assertThat(store.list("")).containsExactly("manifest");
        }
    }

    @Test
    void says_so_where_there_is_no_such_object() throws IOException {
        try (ObjectStore store = store()) {
            store.put("folder/a", bytes("one"));
            assertThatThrownBy(() -> store.open("folder/b")).isInstanceOf(NoSuchFileException.class);
            assertThatThrownBy(() -> store.open("folder")).isInstanceOf(NoSuchFileException.class);
        }
    }

    @Test
    void deletes_an_object_and_minds_no_missing_one() throws IOException {
        try (ObjectStore store = store()) {
            store.put("a/b", bytes("one"));
            store.delete("a/b");
            store.delete("a/b");
            store.delete("never/was");
            assertThat(store.list("")).isEmpty();
        }
    }

    @Test
    void lists_names_by_prefix_in_order() throws IOException {
        try (ObjectStore store = store()) {
            for (String name : List.of("b/1", "a/2", "a/1", "ab", "a/1.x/z", "c")) {
                store.put(name, bytes(name));
            }
            assertThat(store.list("")).containsExactly("a/1", "a/1.x/z", "a/2", "ab", "b/1", "c");
            assertThat(store.list("a")).containsExactly("a/1", "a/1.x/z", "a/2", "ab");
            assertThat(store.list("a/")).containsExactly("a/1", "a/1.x/z", "a/2");
            assertThat(store.list("a/1")).containsExactly("a/1", "a/1.x/z");
            assertThat(store.list("nothing/here")).isEmpty();
        }
    }

    @Test
    void lists_sizes_and_when_an_object_was_stored() throws IOException {
        try (ObjectStore store = store()) {
            // File systems and servers tell less than the clock does.
            Instant before = Instant.now().minusSeconds(1).truncatedTo(ChronoUnit.SECONDS);
            store.putNew("a/empty", ByteBuffer.allocate(0));
            store.put("a/five", bytes("three"));
            store.put("a/five", bytes("12345"));
            store.put("b", bytes("x"));
            List<ObjectEntry> entries = store.entries("a/");
            assertThat(entries).extracting(ObjectEntry::name).containsExactly("a/empty", "a/five");
            assertThat(entries).extracting(ObjectEntry::bytes).containsExactly(0L, 5L);
            assertThat(entries)
                    .extracting(ObjectEntry::modified)
                    .allSatisfy(at -> assertThat(at).isBetween(before, Instant.now()));
            assertThat(store.entries("c")).isEmpty();
        }
    }

    @Test
    void lists_more_names_than_fit_into_one_answer_of_s3() throws IOException {
        try (ObjectStore store = store()) {
            for (int i = 0; i < 1005; i++) {
                store.put("many/" + i, ByteBuffer.allocate(0));
            }
            assertThat(store.list("many/")).hasSize(1005).doesNotHaveDuplicates();
        }
    }

    @Test
    void touches_nothing_under_a_name_that_leads_elsewhere() throws IOException {
        try (ObjectStore store = store()) {
            for (String name :
                    List.of("../a", "a/../../b", "/etc/passwd", "", "a//b", "a/", ".", "a\\b", "a\nb", "ä")) {
                assertThatIllegalArgumentException().as(name).isThrownBy(() -> store.put(name, bytes("x")));
                assertThatIllegalArgumentException().as(name).isThrownBy(() -> store.putNew(name, bytes("x")));
                assertThatIllegalArgumentException().as(name).isThrownBy(() -> store.open(name));
                assertThatIllegalArgumentException().as(name).isThrownBy(() -> store.delete(name));
            }
            assertThatIllegalArgumentException().isThrownBy(() -> store.list("../"));
        }
    }

    public static ByteBuffer bytes(String text) {
        return ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
    }

    public static byte[] read(ObjectStore store, String name) throws IOException {
        try (InputStream content = store.open(name)) {
            return content.readAllBytes();
        }
    }

    public static String text(ObjectStore store, String name) throws IOException {
        return new String(read(store, name), StandardCharsets.UTF_8);
    }
}
