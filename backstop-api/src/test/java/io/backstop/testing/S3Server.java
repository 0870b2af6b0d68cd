package io.backstop.testing;

import org.gaul.s3proxy.S3Proxy;
import org.gaul.s3proxy.auth.AuthenticationType;
import org.gaul.s3proxy.blobstore.BlobStore;
import org.gaul.s3proxy.blobstore.ForwardingBlobStore;
import org.gaul.s3proxy.nio2blob.FilesystemNio2BlobStore;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.ListObjectsV2Request;
import software.amazon.awssdk.services.s3.model.ListObjectsV2Response;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** An S3-compatible server in this JVM, over a temporary folder. A test takes it as a parameter. Thread-safe. */
public final class S3Server implements AutoCloseable {
    public static final String ACCESS_KEY = "backstop-test";
    public static final String SECRET_KEY = "backstop-test-secret";
    public static final String REGION = "us-east-1";

    private static final AtomicInteger BUCKETS = new AtomicInteger();

    private final Path folder;
    private final S3Proxy proxy;

    private S3Server(Path folder, S3Proxy proxy) {
        this.folder = folder;
        this.proxy = proxy;
    }

    /** Starts one that the caller closes. */
    public static S3Server start() throws Exception {
        Path folder = Files.createTempDirectory("backstop-s3-");
        S3Proxy proxy = S3Proxy.builder()
                .endpoint(URI.create("http://127.0.0.1:0"))
                .awsAuthentication(AuthenticationType.AWS_V2_OR_V4, ACCESS_KEY, SECRET_KEY)
                .blobStore(new WholeObjects(new FilesystemNio2BlobStore(folder.toString())))
                .build();
        proxy.start();
        return new S3Server(folder, proxy);
    }

    /** Where it listens: {@code http://127.0.0.1:port}. */
    public String endpoint() {
        return "http://127.0.0.1:" + proxy.getPort();
    }

    /** The address of a folder in a bucket, as Backstop's storage settings take it. */
    public String storage(String bucketAndPrefix) {
        return "s3://" + bucketAndPrefix + "@" + endpoint();
    }

    /** Creates a bucket of a new name. */
    public String newBucket() {
        String bucket = "bucket-" + BUCKETS.incrementAndGet();
        try (S3Client client = client()) {
            client.createBucket(request -> request.bucket(bucket));
        }
        return bucket;
    }

    /** The real SDK's client for this server; the caller closes it. */
    public S3Client client() {
        return S3Client.builder()
                .endpointOverride(URI.create(endpoint()))
                .region(Region.of(REGION))
                .forcePathStyle(true)
                .credentialsProvider(
                        StaticCredentialsProvider.create(AwsBasicCredentials.create(ACCESS_KEY, SECRET_KEY)))
                .httpClient(UrlConnectionHttpClient.create())
                .build();
    }

    @Override
    public void close() throws IOException {
        stop();
        try (Stream<Path> files = Files.walk(folder)) {
            files.sorted(Comparator.reverseOrder()).forEach(S3Server::delete);
        }
    }

    private void stop() throws IOException {
        try {
            proxy.stop();
        } catch (Exception e) { // what it declares
            throw new IOException("the S3 server of the tests did not stop", e);
        }
    }

    private static void delete(Path file) {
        try {
            Files.delete(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Lists whole objects alone, as S3 does. The store below lists the file {@code key-UUID} that it receives an object
     * into, too, until it sees that the client is gone.
     */
    private static final class WholeObjects extends ForwardingBlobStore {
        private static final Pattern RECEIVED = Pattern.compile(".*-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}");

        WholeObjects(BlobStore store) {
            super(store);
        }

        @Override
        public ListObjectsV2Response list(ListObjectsV2Request request) {
            ListObjectsV2Response listed = super.list(request);
            return listed.toBuilder()
                    .contents(listed.contents().stream()
                            .filter(object -> !RECEIVED.matcher(object.key()).matches())
                            .toList())
                    .build();
        }
    }
}
