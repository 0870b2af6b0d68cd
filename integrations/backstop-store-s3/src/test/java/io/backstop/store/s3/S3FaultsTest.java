package io.backstop.store.s3;

import io.backstop.snapshot.store.ContentHash;
import io.backstop.snapshot.store.InDoubtException;
import io.backstop.snapshot.store.ObjectStore;
import io.backstop.snapshot.store.ObjectStores;
import io.backstop.store.s3.FaultyProxy.Fault;
import io.backstop.store.s3.FaultyProxy.Request;
import io.backstop.testing.S3Extension;
import io.backstop.testing.S3Server;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.S3Client;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.util.Random;
import java.util.function.Function;

import static io.backstop.snapshot.store.ObjectStoreContract.bytes;
import static io.backstop.snapshot.store.ObjectStoreContract.read;
import static io.backstop.snapshot.store.ObjectStoreContract.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** A real S3 server behind a network that does what networks do. */
@ExtendWith(S3Extension.class)
class S3FaultsTest {
    /** More than the buffers of a socket hold. */
    private static final byte[] LARGE = new byte[8 << 20];

    static {
        new Random(1).nextBytes(LARGE);
    }

    private String endpoint = "";
    private String bucket = "";
    private ObjectStore direct;
    private Function<Request, Fault> faults = request -> Fault.NONE;
    private FaultyProxy proxy;
    private ObjectStore store;

    @BeforeEach
    void open(S3Server server) throws IOException {
        endpoint = server.endpoint();
        bucket = server.newBucket();
        direct = ObjectStores.open("s3://" + bucket + "@" + endpoint);
        proxy = new FaultyProxy(endpoint, request -> faults.apply(request));
        store = proxy.open(bucket);
    }

    @AfterEach
    void close() throws IOException {
        store.close();
        direct.close();
        proxy.close();
    }

    /** The fault befalls the first request of the method, and no other. */
    private void once(String method, Fault fault) {
        boolean[] done = {false};
        faults = request -> {
            synchronized (done) {
                if (done[0] || !request.method().equals(method)) {
                    return Fault.NONE;
                }
                done[0] = true;
                return fault;
            }
        };
    }

    private void always(String method, Fault fault) {
        faults = request -> request.method().equals(method) ? fault : Fault.NONE;
    }

    @ParameterizedTest
    @EnumSource(
            value = Fault.class,
            names = {
                "CUT_REQUEST",
                "LOSE_ANSWER",
                "CUT_ANSWER",
                "HANG",
                "HANG_AFTERWARDS",
                "INTERNAL_ERROR",
                "SLOW_DOWN"
            })
    void a_put_outlives_a_fault_that_passes(Fault fault) throws IOException {
        once("PUT", fault);
        store.putNew("a", ByteBuffer.wrap(LARGE));
        assertThat(read(direct, "a")).isEqualTo(LARGE);
        assertThatThrownBy(() -> store.putNew("a", bytes("another"))).isInstanceOf(FileAlreadyExistsException.class);
        assertThat(read(direct, "a")).isEqualTo(LARGE);
    }

    @ParameterizedTest
    @EnumSource(
            value = Fault.class,
            names = {"CUT_REQUEST", "HANG", "INTERNAL_ERROR", "SLOW_DOWN", "DENIED"})
    void a_put_that_never_comes_through_fails_and_stores_nothing(Fault fault) throws IOException {
        always("PUT", fault);
        assertThatThrownBy(() -> store.putNew("a", ByteBuffer.wrap(LARGE)))
                .isInstanceOf(IOException.class)
                .hasMessageStartingWith("cannot store \"a\" in s3://" + bucket + "@" + proxy.endpoint() + ": ");
        assertThat(direct.list("")).isEmpty();
    }

    @ParameterizedTest
    @EnumSource(
            value = Fault.class,
            names = {"LOSE_ANSWER", "HANG_AFTERWARDS"})
    void a_put_whose_every_answer_is_lost_is_found_to_have_succeeded(Fault fault) throws IOException {
        always("PUT", fault);
        store.putNew("a", ByteBuffer.wrap(LARGE));
        assertThat(read(direct, "a")).isEqualTo(LARGE);
    }

    @Test
    void a_put_of_which_nothing_is_known_is_in_doubt() throws IOException {
        faults = request -> request.method().equals("GET") ? Fault.NONE : Fault.LOSE_ANSWER;
        assertThatThrownBy(() -> store.putNew("a", bytes("one"))).isInstanceOf(InDoubtException.class);
        assertThat(text(direct, "a")).isEqualTo("one");
    }

    @Test
    void an_object_of_somebody_else_is_not_taken_for_ones_own_when_answers_are_lost() throws IOException {
        direct.put("a", bytes("theirs"));
        always("PUT", Fault.LOSE_ANSWER);
        assertThatThrownBy(() -> store.putNew("a", ByteBuffer.wrap(LARGE)))
                .isInstanceOf(FileAlreadyExistsException.class);
        assertThat(text(direct, "a")).isEqualTo("theirs");
    }

    @Test
    void a_body_that_was_damaged_on_the_way_is_refused() throws IOException {
        always("PUT", Fault.DAMAGE);
        assertThatThrownBy(() -> store.putNew("a", ByteBuffer.wrap(LARGE)))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("the server answers 400 BadDigest");
        assertThatThrownBy(() -> store.put("a", ByteBuffer.wrap(LARGE)))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("the server answers 400 BadDigest");
        assertThat(direct.list("")).isEmpty();
    }

    @Test
    void content_that_does_not_match_the_hash_it_came_with_is_refused_by_the_server() throws IOException {
        assertThatThrownBy(() -> store.keep("a", bytes("one"), ContentHash.of(bytes("two"))))
                .isInstanceOf(IOException.class)
                .hasMessage("cannot store \"a\" in s3://" + bucket + "@" + proxy.endpoint()
                        + ": the server answers 400 BadDigest");
        assertThat(direct.list("")).isEmpty();
    }

    @ParameterizedTest
    @EnumSource(
            value = Fault.class,
            names = {"LOSE_ANSWER", "CUT_ANSWER", "HANG", "HANG_AFTERWARDS", "INTERNAL_ERROR", "SLOW_DOWN"})
    void a_read_outlives_a_fault_that_passes(Fault fault) throws IOException {
        direct.put("a", ByteBuffer.wrap(LARGE));
        once("GET", fault);
        assertThat(read(store, "a")).isEqualTo(LARGE);
    }

    @ParameterizedTest
    @EnumSource(
            value = Fault.class,
            names = {
                "LOSE_ANSWER",
                "CUT_ANSWER",
                "HANG",
                "HANG_AFTERWARDS",
                "TRICKLE",
                "INTERNAL_ERROR",
                "SLOW_DOWN",
                "DENIED"
            })
    void a_read_that_never_comes_through_fails(Fault fault) throws IOException {
        direct.put("a", ByteBuffer.wrap(LARGE).limit(1 << 19));
        always("GET", fault);
        assertThatThrownBy(() -> read(store, "a"))
                .isInstanceOf(IOException.class)
                .hasMessageStartingWith("cannot read \"a\" in s3://" + bucket + "@" + proxy.endpoint() + ": ");
    }

    @Test
    void a_read_does_not_go_on_in_another_object_of_the_same_name() throws IOException {
        direct.put("a", ByteBuffer.wrap(LARGE));
        boolean[] done = {false};
        faults = request -> {
            if (done[0]) {
                return Fault.NONE;
            }
            done[0] = true;
            return Fault.CUT_ANSWER;
        };
        try (var content = store.open("a")) {
            direct.put("a", bytes("another"));
            assertThatThrownBy(content::readAllBytes)
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("the server answers 412 ");
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Fault.class,
            names = {"HANG", "HANG_AFTERWARDS", "LOSE_ANSWER", "SLOW_DOWN"})
    void every_other_call_ends_with_an_error_too(Fault fault) {
        faults = request -> fault;
        assertThatThrownBy(() -> store.list("a")).isInstanceOf(IOException.class);
        assertThatThrownBy(() -> store.delete("a")).isInstanceOf(IOException.class);
        assertThatThrownBy(() -> store.checksum("a")).isInstanceOf(IOException.class);
    }

    @Test
    void an_interrupted_thread_stops_waiting() throws Exception {
        always("PUT", Fault.HANG);
        Thread.currentThread().interrupt();
        assertThatThrownBy(() -> store.putNew("a", bytes("one"))).isInstanceOf(IOException.class);
        assertThat(Thread.interrupted()).as("it stays interrupted").isTrue();
    }

    @Test
    void the_checksum_is_the_one_that_the_server_tells() throws IOException {
        ContentHash hash = ContentHash.of(bytes("one"));
        store.keep("a", bytes("one"), hash);
        faults = request -> {
            request.sha256().append(hash.base64());
            return Fault.TELL_CHECKSUM;
        };
        assertThat(store.checksum("a")).hasValueSatisfying(told -> {
            assertThat(told.bytes()).isEqualTo(3);
            assertThat(told.hash().hex()).isEqualTo(hash.hex());
        });
        faults = request -> {
            request.sha256().append(hash.base64()).append("-2");
            return Fault.TELL_CHECKSUM;
        };
        assertThat(store.checksum("a")).as("the checksum of parts").isEmpty();
        faults = request -> {
            request.sha256().append("!");
            return Fault.TELL_CHECKSUM;
        };
        assertThatThrownBy(() -> store.checksum("a")).isInstanceOf(IOException.class);
    }

    @Test
    void a_real_server_tells_the_checksum_that_came_with_the_content_and_none_where_none_came(S3Server server)
            throws IOException {
        store.putNew("a", bytes("one"));
        store.put("b", bytes("two"));
        assertThat(store.checksum("a").orElseThrow().hash().hex())
                .isEqualTo(ContentHash.of(bytes("one")).hex());
        assertThat(store.checksum("b").orElseThrow().hash().hex())
                .isEqualTo(ContentHash.of(bytes("two")).hex());
        try (S3Client client = server.client()) {
            client.putObject(r -> r.bucket(bucket).key("c"), RequestBody.fromString("three"));
        }
        assertThat(store.checksum("c")).isEmpty();
        assertThatThrownBy(() -> store.checksum("d")).isInstanceOf(NoSuchFileException.class);
    }
}
