package io.backstop.snapshot.store;

import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.NoSuchKeyException;
import software.amazon.awssdk.services.s3.model.PutObjectRequest;
import software.amazon.awssdk.services.s3.model.S3Exception;
import software.amazon.awssdk.services.s3.model.S3Object;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * Objects in a bucket of S3 or of a server that speaks its language, below a prefix. The server has to honour {@code
 * If-None-Match: *}. The client is made at the first use, because to look for credentials and region may mean to ask the
 * network. Thread-safe.
 */
public final class S3ObjectStore implements ObjectStore {
    private static final int PRECONDITION_FAILED = 412;
    private static final int CONFLICT = 409;
    private static final int CONFLICTING_ATTEMPTS = 3;
    /** The object metadata that tells one conditional put from another. */
    private static final String WRITER = "backstop-writer";

    private final String bucket;
    private final String prefix;
    private final String address;
    private final Supplier<S3Client> opener;
    private @Nullable S3Client client;

    /**
     * @param prefix what every object's name begins with in the bucket; empty, or it ends in a slash
     * @param address the store's address for messages, without credentials
     * @param opener makes the client, which is closed with this store
     */
    public S3ObjectStore(String bucket, String prefix, String address, Supplier<S3Client> opener) {
        if (!prefix.isEmpty() && !prefix.endsWith("/")) {
            throw new IllegalArgumentException("the prefix \"" + prefix + "\" does not end in a slash");
        }
        this.bucket = bucket;
        this.prefix = prefix;
        this.address = address;
        this.opener = opener;
    }

    @Override
    public void put(String name, ByteBuffer content) throws IOException {
        String key = key(name);
        ask("store", name, () -> client().putObject(request(key, r -> {}), body(content)));
    }

    @Override
    public void putNew(String name, ByteBuffer content) throws IOException {
        String key = key(name);
        String writer = UUID.randomUUID().toString();
        for (int attempt = 1; ; attempt++) {
            try {
                client().putObject(
                                request(key, r -> r.ifNoneMatch("*").metadata(Map.of(WRITER, writer))), body(content));
                return;
            } catch (S3Exception e) {
                if (e.statusCode() == PRECONDITION_FAILED) {
                    if (isWrittenBy(writer, key, name)) {
                        return;
                    }
                    throw new FileAlreadyExistsException(address + " " + name);
                }
                // S3's answer while another conditional put of the same key is under way: ask again who won.
                if (e.statusCode() != CONFLICT || attempt == CONFLICTING_ATTEMPTS) {
                    throw failure("store", name, e);
                }
            } catch (SdkException e) {
                throw failure("store", name, e);
            }
        }
    }

    /** Whether the object in the way is our own: the SDK puts again where the answer to a put that succeeded was lost. */
    private boolean isWrittenBy(String writer, String key, String name) throws IOException {
        return ask(
                        "look at",
                        name,
                        () -> client().headObject(r -> r.bucket(bucket).key(key)))
                .metadata()
                .getOrDefault(WRITER, "")
                .equals(writer);
    }

    private PutObjectRequest request(String key, Consumer<PutObjectRequest.Builder> more) {
        PutObjectRequest.Builder builder =
                PutObjectRequest.builder().bucket(bucket).key(key);
        more.accept(builder);
        return builder.build();
    }

    private static RequestBody body(ByteBuffer content) {
        return RequestBody.fromContentProvider(
                () -> new ByteBufferInputStream(content), content.remaining(), "application/octet-stream");
    }

    @Override
    public InputStream open(String name) throws IOException {
        String key = key(name);
        return new S3InputStream(
                ask("read", name, () -> client().getObject(r -> r.bucket(bucket).key(key))), name, this::failure);
    }

    @Override
    public List<ObjectEntry> entries(String namePrefix) throws IOException {
        String keyPrefix = prefix + ObjectNames.checkedPrefix(namePrefix);
        return ask(
                "list",
                namePrefix,
                () -> client().listObjectsV2Paginator(r -> r.bucket(bucket).prefix(keyPrefix)).contents().stream()
                        .map(this::entry)
                        .sorted(Comparator.comparing(ObjectEntry::name))
                        .toList());
    }

    private ObjectEntry entry(S3Object object) {
        return new ObjectEntry(object.key().substring(prefix.length()), object.size(), object.lastModified());
    }

    @Override
    public void delete(String name) throws IOException {
        String key = key(name);
        ask("delete", name, () -> client().deleteObject(r -> r.bucket(bucket).key(key)));
    }

    @Override
    public String address() {
        return address;
    }

    @Override
    public synchronized void close() {
        if (client != null) {
            client.close();
            client = null;
        }
    }

    private synchronized S3Client client() {
        if (client == null) {
            client = opener.get();
        }
        return client;
    }

    private String key(String name) {
        return prefix + ObjectNames.checked(name);
    }

    private <T> T ask(String verb, String name, Supplier<T> request) throws IOException {
        try {
            return request.get();
        } catch (NoSuchKeyException e) {
            throw missing(name, e);
        } catch (SdkException e) {
            throw failure(verb, name, e);
        }
    }

    private NoSuchFileException missing(String name, Exception cause) {
        NoSuchFileException missing = new NoSuchFileException(address + " " + name);
        missing.initCause(cause);
        return missing;
    }

    private IOException failure(String verb, String name, SdkException cause) {
        return new IOException("cannot " + verb + " \"" + name + "\" in " + address + ": " + reason(cause), cause);
    }

    private static String reason(SdkException cause) {
        if (cause instanceof S3Exception answer) {
            String code = answer.awsErrorDetails() == null
                    ? "no reason given"
                    : answer.awsErrorDetails().errorCode();
            return "the server answers " + answer.statusCode() + " " + code;
        }
        return String.valueOf(cause.getMessage());
    }
}
