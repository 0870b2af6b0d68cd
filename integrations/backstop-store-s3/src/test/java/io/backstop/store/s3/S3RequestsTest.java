package io.backstop.store.s3;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.backstop.snapshot.store.ContentHash;
import io.backstop.snapshot.store.ObjectStore;
import io.backstop.snapshot.store.ObjectStores;
import io.backstop.testing.S3Extension;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** What is sent to a server of S3, seen by one that only listens. */
@ExtendWith(S3Extension.class)
class S3RequestsTest {
    private final List<Seen> seen = new CopyOnWriteArrayList<>();
    private HttpServer server;
    private volatile boolean honoursConditions = true;

    @BeforeEach
    void listen() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", this::answer);
        server.start();
    }

    @AfterEach
    void stop() {
        server.stop(0);
    }

    private void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            seen.add(new Seen(
                    exchange.getRequestURI().getPath(),
                    Map.copyOf(exchange.getRequestHeaders()),
                    ByteBuffer.wrap(exchange.getRequestBody().readAllBytes())));
            boolean again = seen.stream()
                            .filter(one ->
                                    one.path().equals(exchange.getRequestURI().getPath()))
                            .count()
                    > 1;
            exchange.sendResponseHeaders(again && honoursConditions ? 412 : 200, -1);
        }
    }

    private String endpoint() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    @Test
    void a_content_is_sent_as_it_is_and_signed_for_by_its_hash() throws IOException {
        ByteBuffer content = ByteBuffer.wrap(new byte[300_000]);
        try (ObjectStore store = ObjectStores.open("s3://bucket@" + endpoint())) {
            store.putNew("a", content);
        }
        assertThat(seen).hasSize(1);
        Seen put = seen.get(0);
        assertThat(put.body()).isEqualTo(content);
        assertThat(put.header("x-amz-checksum-sha256"))
                .contains(ContentHash.of(content).base64());
        assertThat(put.header("x-amz-content-sha256")).contains("UNSIGNED-PAYLOAD");
        assertThat(put.header("content-encoding")).isEmpty();
        assertThat(put.header("authorization"))
                .hasValueSatisfying(value -> assertThat(value)
                        .containsPattern("SignedHeaders=[^,]*;x-amz-checksum-sha256;x-amz-content-sha256;[^,]*,"));
    }

    /** It would be asked for the region and for credentials, for as long as it takes where nobody answers. */
    @Test
    void nobody_else_is_asked_where_a_server_of_ones_own_is_named() throws IOException {
        String region = System.clearProperty("aws.region");
        System.setProperty("aws.ec2MetadataServiceEndpoint", endpoint() + "/metadata");
        try (ObjectStore store = ObjectStores.open("s3://bucket@" + endpoint())) {
            store.putNew("a", ByteBuffer.wrap(new byte[1]));
        } finally {
            System.clearProperty("aws.ec2MetadataServiceEndpoint");
            Optional.ofNullable(region).ifPresent(value -> System.setProperty("aws.region", value));
        }
        assertThat(seen).extracting(Seen::path).containsOnly("/bucket/a");
        assertThat(seen.get(0).header("authorization"))
                .hasValueSatisfying(value -> assertThat(value).contains("/us-east-1/s3/aws4_request"));
    }

    @Test
    void a_server_that_ignores_conditions_is_found_out_and_one_that_honours_them_is_asked_once() throws IOException {
        try (ObjectStore store = ObjectStores.open("s3://bucket@" + endpoint())) {
            store.putNew("a", ByteBuffer.wrap(new byte[1]));
            store.putNew("b", ByteBuffer.wrap(new byte[1]));
        }
        assertThat(seen).extracting(Seen::path).containsExactly("/bucket/a", "/bucket/a", "/bucket/b");
        assertThat(seen.get(1).header("if-none-match")).contains("*");
        assertThat(seen.get(1).body()).isEqualTo(seen.get(0).body());
        honoursConditions = false;
        try (ObjectStore store = ObjectStores.open("s3://bucket@" + endpoint())) {
            store.putNew("large", ByteBuffer.wrap(new byte[300_000]));
            for (String name : List.of("c", "d")) {
                assertThatThrownBy(() -> store.putNew(name, ByteBuffer.wrap(new byte[1])))
                        .isInstanceOf(IOException.class)
                        .hasMessageContaining("ignores If-None-Match");
            }
        }
    }

    private record Seen(String path, Map<String, List<String>> headers, ByteBuffer body) {
        Optional<String> header(String name) {
            Headers all = new Headers();
            all.putAll(headers);
            return Optional.ofNullable(all.getFirst(name));
        }
    }
}
