package io.backstop.store.s3;

import io.backstop.snapshot.store.ContentHash;
import io.backstop.snapshot.store.InDoubtException;
import io.backstop.snapshot.store.ObjectEntry;
import io.backstop.snapshot.store.ObjectLock;
import io.backstop.snapshot.store.ObjectNames;
import io.backstop.snapshot.store.ObjectStore;
import io.backstop.snapshot.store.StorageProtection;
import io.backstop.snapshot.store.StoreExecutor;
import io.backstop.snapshot.store.StoredChecksum;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.core.ResponseInputStream;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.ChecksumMode;
import software.amazon.awssdk.services.s3.model.ChecksumType;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;
import software.amazon.awssdk.services.s3.model.HeadObjectResponse;
import software.amazon.awssdk.services.s3.model.NoSuchKeyException;
import software.amazon.awssdk.services.s3.model.PutObjectRequest;
import software.amazon.awssdk.services.s3.model.S3Object;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.time.Clock;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * Objects in a bucket of S3 or of a server that speaks its language, below a prefix. The server has to honour {@code
 * If-None-Match: *}; one that is found not to is not used for that. The client is made at the first use, because to look for credentials and region may mean to ask the
 * network. A call ends within a few minutes, and somewhat later for large objects; see {@link StoreTimeouts}. Thread-safe.
 */
final class S3ObjectStore implements ObjectStore {
    private static final int CONFLICTING_ATTEMPTS = 3;

    /** An object of at most so many bytes is sent twice, to see whether the second is refused; a manifest is smaller. */
    private static final int LARGEST_TRIAL = 64 << 10;
    /** The object metadata that tells one conditional put from another. */
    private static final String WRITER = "backstop-writer";

    private final String bucket;
    private final String prefix;
    private final String address;
    private final StoreTimeouts patience;
    private final Supplier<S3Client> opener;
    private final S3Versions versions;
    private final S3Lock lock;
    private @Nullable S3Client client;

    /** Whether the server was seen to refuse what a condition forbids. */
    private volatile boolean honoursConditions;

    /**
     * @param prefix what every object's name begins with in the bucket; empty, or it ends in a slash
     * @param address the store's address for messages, without credentials and the lock
     * @param locked how what is to last is locked
     * @param opener makes the client, which is closed with this store
     */
    S3ObjectStore(
            String bucket,
            String prefix,
            String address,
            Optional<LockSetting> locked,
            Clock clock,
            StoreTimeouts patience,
            Supplier<S3Client> opener) {
        if (!prefix.isEmpty() && !prefix.endsWith("/")) {
            throw new IllegalArgumentException("the prefix \"" + prefix + "\" does not end in a slash");
        }
        this.bucket = bucket;
        this.prefix = prefix;
        this.address = address;
        this.patience = patience;
        this.opener = opener;
        this.versions = new S3Versions(bucket, address, clock, this::client);
        this.lock = new S3Lock(bucket, prefix, address, locked, clock, this::client, versions);
    }

    @Override
    public void put(String name, ByteBuffer content) throws IOException {
        PutObjectRequest request = request(name, content, ContentHash.of(content), r -> {});
        ask("store", name, () -> client().putObject(request, body(content)));
    }

    @Override
    public void putNew(String name, ByteBuffer content) throws IOException {
        putNew(name, content, ContentHash.of(content), r -> {});
    }

    @Override
    public void keep(String name, ByteBuffer content, ContentHash hash) throws IOException {
        lock.require();
        putNew(name, content, hash, lock::apply);
    }

    private void putNew(String name, ByteBuffer content, ContentHash hash, Consumer<PutObjectRequest.Builder> more)
            throws IOException {
        String writer = UUID.randomUUID().toString();
        PutObjectRequest request =
                request(name, content, hash, r -> more.accept(r.ifNoneMatch("*").metadata(Map.of(WRITER, writer))));
        for (int attempt = 1; ; attempt++) {
            try {
                client().putObject(request, body(content));
                requireConditions(request, name, content);
                return;
            } catch (SdkException | UncheckedIOException e) {
                // A conflict is S3's answer while another conditional put of the same key is under way: ask again who
                // won.
                boolean again = S3Failures.status(e) == S3Failures.CONFLICT && attempt < CONFLICTING_ATTEMPTS;
                if (!again) {
                    resolveInDoubt(name, writer, e);
                    return;
                }
            }
        }
    }

    /**
     * A server that ignores the condition lets one snapshot be written over another. The same object is put once more, so that
     * nothing is changed where that is so.
     */
    private void requireConditions(PutObjectRequest request, String name, ByteBuffer content) throws IOException {
        if (honoursConditions || content.remaining() > LARGEST_TRIAL) {
            return;
        }
        try {
            client().putObject(request, body(content));
        } catch (SdkException | UncheckedIOException e) {
            if (S3Failures.status(e) != S3Failures.PRECONDITION_FAILED) {
                throw failure("store a second time", name, e);
            }
            honoursConditions = true;
            return;
        }
        throw new IOException("the server of " + address + " ignores If-None-Match: it stored \"" + name
                + "\" a second time, so that snapshots could be written over; use a server that honours it");
    }

    /**
     * Finds out what came of a put that seems to have failed. The SDK puts again where no answer came, and is then
     * refused because of the object that it stored itself; and a server that refuses may close the connection before the
     * content is sent and its answer read. So neither is the end of it as long as nobody looked.
     */
    private void resolveInDoubt(String name, String writer, RuntimeException failure) throws IOException {
        IOException told = failure("store", name, failure);
        if (S3Failures.status(failure) != S3Failures.PRECONDITION_FAILED && !(told instanceof InDoubtException)) {
            throw told;
        }
        Optional<HeadObjectResponse> present;
        try {
            present = head(name);
        } catch (IOException e) {
            told.addSuppressed(e);
            throw told;
        }
        if (present.isEmpty()) {
            throw told;
        }
        if (!present.get().metadata().getOrDefault(WRITER, "").equals(writer)) {
            FileAlreadyExistsException taken = new FileAlreadyExistsException(address + " " + name);
            taken.initCause(failure);
            throw taken;
        }
    }

    private Optional<HeadObjectResponse> head(String name) throws IOException {
        try {
            return Optional.of(ask(
                    "look at",
                    name,
                    () -> client().headObject(
                                    r -> r.bucket(bucket).key(key(name)).checksumMode(ChecksumMode.ENABLED))));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    private PutObjectRequest request(
            String name, ByteBuffer content, ContentHash hash, Consumer<PutObjectRequest.Builder> more) {
        PutObjectRequest.Builder builder = PutObjectRequest.builder()
                .bucket(bucket)
                .key(key(name))
                .checksumSHA256(hash.base64())
                .overrideConfiguration(r -> r.apiCallAttemptTimeout(patience.attempt(content.remaining()))
                        .apiCallTimeout(patience.call(content.remaining())));
        more.accept(builder);
        return builder.build();
    }

    private static RequestBody body(ByteBuffer content) {
        return RequestBody.fromContentProvider(
                () -> new ByteBufferInputStream(content), content.remaining(), "application/octet-stream");
    }

    @Override
    public Optional<StoredChecksum> checksum(String name) throws IOException {
        HeadObjectResponse found = head(name).orElseThrow(() -> new NoSuchFileException(address + " " + name));
        String sha256 = found.checksumSHA256();
        // A composite one is made of the parts' checksums and says nothing about the whole.
        if (sha256 == null || found.checksumType() == ChecksumType.COMPOSITE || sha256.contains("-")) {
            return Optional.empty();
        }
        try {
            return Optional.of(new StoredChecksum(found.contentLength(), ContentHash.ofBase64(sha256)));
        } catch (IllegalArgumentException e) {
            throw new IOException("the SHA-256 that " + address + " gives of \"" + name + "\" is none", e);
        }
    }

    @Override
    public InputStream open(String name) throws IOException {
        String key = key(name);
        return new S3InputStream(
                "\"" + name + "\" in " + address, (position, version) -> get(name, key, position, version), patience);
    }

    private ResponseInputStream<GetObjectResponse> get(String name, String key, long position, String version)
            throws IOException {
        return ask(
                "read",
                name,
                () -> client().getObject(r -> {
                    r.bucket(bucket).key(key);
                    if (position > 0) {
                        r.range("bytes=" + position + "-").ifMatch(version);
                    }
                }));
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
        versions.remove(key(name), name);
    }

    /** A look at one tells whether the bucket keeps versions; without, it has no locks. */
    @Override
    public Optional<ObjectLock> lock(Collection<String> names) throws IOException {
        Optional<ObjectLock> longest = Optional.empty();
        for (String name : names) {
            String key = key(name);
            Optional<HeadObjectResponse> present = ask("look at", name, () -> versions.look(key, Optional.empty()));
            if (present.isPresent() && present.get().versionId() == null) {
                return Optional.empty();
            }
            longest = Stream.concat(
                            longest.stream(), present.stream().flatMap(object -> versions.lock(object, name).stream()))
                    .max(ObjectLock.BY_END);
        }
        return longest;
    }

    @Override
    public void requireLock() throws IOException {
        lock.require();
    }

    @Override
    public void requireLocked(Collection<String> names) throws IOException {
        StoreExecutor.all(names.stream()
                .map(name -> (StoreExecutor.Call) () -> lock.requireLocked(key(name), name))
                .toList());
    }

    @Override
    public Optional<StorageProtection> protection() throws IOException {
        return Optional.of(lock.protection());
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

    /** The SDK lets I/O errors pass where they come in the middle of an answer. */
    private <T> T ask(String verb, String name, Supplier<T> request) throws IOException {
        try {
            return request.get();
        } catch (NoSuchKeyException e) {
            throw missing(name, e);
        } catch (SdkException | UncheckedIOException e) {
            throw failure(verb, name, e);
        }
    }

    private NoSuchFileException missing(String name, Exception cause) {
        NoSuchFileException missing = new NoSuchFileException(address + " " + name);
        missing.initCause(cause);
        return missing;
    }

    private IOException failure(String verb, String name, RuntimeException cause) {
        return S3Failures.of(verb + " \"" + name + "\" in " + address, cause);
    }
}
