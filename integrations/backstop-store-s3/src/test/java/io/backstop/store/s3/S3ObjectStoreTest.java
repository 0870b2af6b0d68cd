package io.backstop.store.s3;

import io.backstop.snapshot.store.ObjectStore;
import io.backstop.snapshot.store.ObjectStoreContract;
import io.backstop.snapshot.store.ObjectStores;
import io.backstop.testing.S3Extension;
import io.backstop.testing.S3Server;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.http.ExecutableHttpRequest;
import software.amazon.awssdk.http.HttpExecuteRequest;
import software.amazon.awssdk.http.HttpExecuteResponse;
import software.amazon.awssdk.http.SdkHttpClient;
import software.amazon.awssdk.http.SdkHttpMethod;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.S3Object;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.FileAlreadyExistsException;
import java.time.Clock;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

@ExtendWith(S3Extension.class)
class S3ObjectStoreTest extends ObjectStoreContract {
    private S3Server server;

    @BeforeEach
    void remember(S3Server server) {
        this.server = server;
    }

    @Override
    protected ObjectStore store() {
        return ObjectStores.open(server.storage(server.newBucket() + "/some/prefix"));
    }

    @Override
    protected ObjectStore again(ObjectStore store) {
        return ObjectStores.open(store.address());
    }

    @Test
    void keeps_everything_below_its_prefix() throws IOException {
        String bucket = server.newBucket();
        try (ObjectStore store = ObjectStores.open(server.storage(bucket + "/some/prefix/"));
                ObjectStore whole = ObjectStores.open(server.storage(bucket));
                S3Client client = server.client()) {
            store.put("a/b", bytes("one"));
            whole.put("some/prefix-of-another/c", bytes("two"));
            assertThat(client.listObjectsV2(r -> r.bucket(bucket)).contents().stream()
                            .map(S3Object::key))
                    .containsExactlyInAnyOrder("some/prefix/a/b", "some/prefix-of-another/c");
            assertThat(store.list("")).containsExactly("a/b");
            assertThat(whole.list("some/")).containsExactly("some/prefix-of-another/c", "some/prefix/a/b");
        }
    }

    @Test
    void names_bucket_and_reason_where_the_bucket_is_missing() {
        try (ObjectStore store = ObjectStores.open(server.storage("no-such-bucket"))) {
            assertThatThrownBy(() -> store.put("a", bytes("one")))
                    .isInstanceOf(IOException.class)
                    .hasMessage("cannot store \"a\" in s3://no-such-bucket@" + server.endpoint()
                            + ": the server answers 404 NoSuchBucket");
        }
    }

    @Test
    void fails_where_nobody_listens() throws IOException {
        int freePort;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            freePort = socket.getLocalPort();
        }
        String address = "s3://bucket@http://127.0.0.1:" + freePort;
        try (ObjectStore store = ObjectStores.open(address)) {
            assertThatThrownBy(() -> store.putNew("a", bytes("one")))
                    .isInstanceOf(IOException.class)
                    .hasMessageStartingWith("cannot store \"a\" in " + address + ": ");
            assertThatThrownBy(() -> store.open("a")).isInstanceOf(IOException.class);
            assertThatThrownBy(() -> store.list("a")).isInstanceOf(IOException.class);
            assertThatThrownBy(store::requireReadable).isInstanceOf(IOException.class);
        }
    }

    @Test
    void a_put_whose_answer_was_lost_is_not_taken_for_somebody_elses() throws IOException {
        String bucket = server.newBucket();
        AtomicBoolean lose = new AtomicBoolean(true);
        try (ObjectStore store = new S3ObjectStore(
                bucket,
                "",
                "s3://" + bucket,
                Optional.empty(),
                Clock.systemUTC(),
                StoreTimeouts.DEFAULT,
                () -> forgetful(lose))) {
            store.putNew("a", bytes("mine"));
            assertThat(lose)
                    .as("the first answer was lost and the put sent again")
                    .isFalse();
            assertThat(store.open("a").readAllBytes()).isEqualTo("mine".getBytes(UTF_8));
            assertThatThrownBy(() -> store.putNew("a", bytes("mine"))).isInstanceOf(FileAlreadyExistsException.class);
            lose.set(true);
            assertThatThrownBy(() -> store.putNew("a", bytes("mine"))).isInstanceOf(FileAlreadyExistsException.class);
        }
    }

    /** The SDK's client over a connection that loses the answer to one put. */
    private S3Client forgetful(AtomicBoolean lose) {
        SdkHttpClient http = UrlConnectionHttpClient.create();
        return S3Client.builder()
                .endpointOverride(URI.create(server.endpoint()))
                .region(Region.of(S3Server.REGION))
                .forcePathStyle(true)
                .credentialsProvider(StaticCredentialsProvider.create(
                        AwsBasicCredentials.create(S3Server.ACCESS_KEY, S3Server.SECRET_KEY)))
                .httpClient(new SdkHttpClient() {
                    @Override
                    public ExecutableHttpRequest prepareRequest(HttpExecuteRequest request) {
                        ExecutableHttpRequest prepared = http.prepareRequest(request);
                        return new ExecutableHttpRequest() {
                            @Override
                            public HttpExecuteResponse call() throws IOException {
                                HttpExecuteResponse answer = prepared.call();
                                if (request.httpRequest().method() == SdkHttpMethod.PUT && lose.getAndSet(false)) {
                                    throw new IOException("connection reset");
                                }
                                return answer;
                            }

                            @Override
                            public void abort() {
                                prepared.abort();
                            }
                        };
                    }

                    @Override
                    public void close() {
                        http.close();
                    }
                })
                .build();
    }
}
