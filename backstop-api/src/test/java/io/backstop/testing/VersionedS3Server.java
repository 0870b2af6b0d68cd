package io.backstop.testing;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Base64;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Collectors;

/**
 * A server that speaks as much of S3 as snapshots need, with the versions and locks that s3proxy has not. It answers as S3
 * documents it, or lies where a test wants that. One bucket, in memory; signatures are not checked. Thread-safe.
 */
public final class VersionedS3Server implements AutoCloseable {
    /** What the server can, or does wrong. */
    public enum Trait {
        VERSIONS,
        LOCKS,
        /** Every object is locked for a day without being asked. */
        LOCKS_BY_DEFAULT,
        /** Requests about locks are answered with 501. */
        KNOWS_NO_LOCKS,
        /** Takes a lock with an object and forgets it. */
        FORGETS_LOCKS,
        /** Shows a lock, and removes the object all the same. */
        REMOVES_LOCKED,
        /** {@code If-None-Match} has no effect. */
        IGNORES_CONDITIONS,
        /** Versions may be neither listed nor removed. */
        DENIES_VERSIONS,
        /** Whether an object is locked is not told. */
        HIDES_LOCKS,
        /** Whether an object is missing is not told. */
        HIDES_MISSING
    }

    private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);
    private static final String BUCKET = "locked-bucket";
    private static final String LOCK_MODE = "x-amz-object-lock-mode";
    private static final String LOCK_UNTIL = "x-amz-object-lock-retain-until-date";

    private final Set<Trait> traits;
    private final HttpServer server;
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final TreeMap<String, List<Version>> objects = new TreeMap<>();
    private final List<Request> requests = new ArrayList<>();
    private int versions;

    private VersionedS3Server(Set<Trait> traits, HttpServer server) {
        this.traits = traits;
        this.server = server;
    }

    /** Starts one that the caller closes. */
    public static VersionedS3Server start(Trait... traits) throws IOException {
        Set<Trait> all = EnumSet.noneOf(Trait.class);
        all.addAll(List.of(traits));
        VersionedS3Server started = new VersionedS3Server(
                all, HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0));
        started.server.setExecutor(started.threads);
        started.server.createContext("/", started::handle);
        started.server.start();
        return started;
    }

    /** The address of the bucket, as Backstop's storage settings take it. */
    public String storage() {
        return "s3://" + BUCKET + "@http://127.0.0.1:" + server.getAddress().getPort();
    }

    /** From now on the server has a trait, or has it no more. */
    public synchronized void set(Trait trait, boolean wanted) {
        if (wanted) {
            traits.add(trait);
        } else {
            traits.remove(trait);
        }
    }

    /** All that was asked so far. */
    public synchronized List<Request> requests() {
        return List.copyOf(requests);
    }

    /** The keys that a listing shows. */
    public synchronized List<String> keys() {
        return objects.entrySet().stream()
                .filter(object -> !last(object.getValue()).marker())
                .map(Map.Entry::getKey)
                .toList();
    }

    /** The content and markers that are there, listed or hidden, by {@code key}, as often as there are versions. */
    public synchronized List<String> stored() {
        return objects.entrySet().stream()
                .flatMap(object -> object.getValue().stream().map(version -> object.getKey()))
                .toList();
    }

    /** Until when the present version is locked. */
    public synchronized Optional<Instant> lockedUntil(String key) {
        return Optional.ofNullable(objects.get(key)).flatMap(all -> last(all).until());
    }

    /** Lets the time of all locks pass. */
    public synchronized void endLocks() {
        Instant past = Instant.now().minusSeconds(1);
        objects.values().forEach(all -> all.replaceAll(version -> version.lockedUntil(past)));
    }

    /** Locks an object as an administrator does. */
    public synchronized void lock(String key, Duration time) {
        objects.getOrDefault(key, new ArrayList<>())
                .replaceAll(version -> version.lockedUntil(Instant.now().plus(time)));
    }

    private void handle(HttpExchange exchange) throws IOException {
        try (exchange) {
            byte[] body = exchange.getRequestBody().readAllBytes();
            Request request = new Request(
                    exchange.getRequestMethod(),
                    exchange.getRequestURI()
                            .getPath()
                            .substring(1 + BUCKET.length())
                            .replaceFirst("^/", ""),
                    query(exchange.getRequestURI().getRawQuery()),
                    exchange.getRequestHeaders());
            Answer answer;
            synchronized (this) {
                requests.add(request);
                try {
                    answer = answer(request, body);
                } catch (Refusal e) {
                    answer = e.answer();
                }
            }
            answer.headers().forEach(exchange.getResponseHeaders()::set);
            boolean head = request.method().equals("HEAD");
            if (head) {
                exchange.getResponseHeaders()
                        .set("Content-Length", String.valueOf(answer.body().remaining()));
            }
            boolean empty = head || answer.body().remaining() == 0;
            exchange.sendResponseHeaders(
                    answer.status(), empty ? -1 : answer.body().remaining());
            if (!empty) {
                byte[] content = new byte[answer.body().remaining()];
                answer.body().duplicate().get(content);
                exchange.getResponseBody().write(content);
            }
        }
    }

    private static Map<String, String> query(String raw) {
        Map<String, String> query = new LinkedHashMap<>();
        for (String part : raw == null ? new String[0] : raw.split("&", -1)) {
            int equals = part.indexOf('=');
            query.put(
                    equals < 0 ? part : part.substring(0, equals),
                    equals < 0 ? "" : URLDecoder.decode(part.substring(equals + 1), StandardCharsets.UTF_8));
        }
        return query;
    }

    private Answer answer(Request request, byte[] body) throws Refusal {
        if (request.key().isEmpty()) {
            return ofBucket(request);
        }
        return switch (request.method()) {
            case "PUT" -> put(request, body);
            case "GET", "HEAD" -> get(request);
            case "DELETE" -> delete(request);
            default -> throw new Refusal(405, "MethodNotAllowed");
        };
    }

    private Answer ofBucket(Request request) throws Refusal {
        if (request.query().containsKey("object-lock")) {
            if (traits.contains(Trait.KNOWS_NO_LOCKS)) {
                throw new Refusal(501, "NotImplemented");
            }
            if (!traits.contains(Trait.LOCKS)) {
                throw new Refusal(404, "ObjectLockConfigurationNotFoundError");
            }
            return Answer.xml("<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled>"
                    + (traits.contains(Trait.LOCKS_BY_DEFAULT)
                            ? "<Rule><DefaultRetention><Mode>GOVERNANCE</Mode><Days>1</Days></DefaultRetention></Rule>"
                            : "")
                    + "</ObjectLockConfiguration>");
        }
        if (request.query().containsKey("versioning")) {
            return Answer.xml("<VersioningConfiguration>"
                    + (traits.contains(Trait.VERSIONS) ? "<Status>Enabled</Status>" : "")
                    + "</VersioningConfiguration>");
        }
        String prefix = request.query().getOrDefault("prefix", "");
        if (request.query().containsKey("versions")) {
            if (traits.contains(Trait.DENIES_VERSIONS)) {
                throw new Refusal(403, "AccessDenied");
            }
            return Answer.xml("<ListVersionsResult>" + listed(prefix, true) + "</ListVersionsResult>");
        }
        return Answer.xml("<ListBucketResult>" + listed(prefix, false) + "</ListBucketResult>");
    }

    private String listed(String prefix, boolean all) {
        return objects.entrySet().stream()
                .filter(object -> object.getKey().startsWith(prefix))
                .flatMap(object -> object.getValue().stream()
                        .filter(version -> all || (isLast(object.getValue(), version) && !version.marker()))
                        .map(version -> version.xml(object.getKey(), all, isLast(object.getValue(), version))))
                .collect(Collectors.joining());
    }

    private Answer put(Request request, byte[] body) throws Refusal {
        List<Version> all = objects.computeIfAbsent(request.key(), unknown -> new ArrayList<>());
        try {
            boolean present = !all.isEmpty() && !last(all).marker();
            if (request.header("If-None-Match").isPresent() && present && !traits.contains(Trait.IGNORES_CONDITIONS)) {
                throw new Refusal(412, "PreconditionFailed");
            }
            Optional<String> sha256 = request.header("x-amz-checksum-sha256");
            Optional<Instant> until = lock(request);
            if (until.isPresent()
                    && sha256.isEmpty()
                    && request.header("Content-MD5").isEmpty()) {
                throw new Refusal(400, "InvalidRequest");
            }
            if (sha256.isPresent() && !sha256.get().equals(sha256(body))) {
                throw new Refusal(400, "BadDigest");
            }
            Version version = new Version(
                    traits.contains(Trait.VERSIONS) ? "v" + ++versions : "null",
                    ByteBuffer.wrap(body),
                    false,
                    Instant.now().truncatedTo(ChronoUnit.MILLIS),
                    traits.contains(Trait.FORGETS_LOCKS) ? Optional.empty() : until,
                    request.header(LOCK_MODE).orElse("GOVERNANCE"),
                    request.header("x-amz-meta-backstop-writer"));
            if (!traits.contains(Trait.VERSIONS)) {
                all.clear();
            }
            all.add(version);
            return new Answer(200, withVersion(version.id(), Map.of("ETag", "\"" + version.id() + "\"")), NOTHING);
        } finally {
            if (all.isEmpty()) {
                objects.remove(request.key());
            }
        }
    }

    private Optional<Instant> lock(Request request) throws Refusal {
        Optional<Instant> asked = request.header(LOCK_UNTIL).map(Instant::parse);
        if (asked.isPresent() && traits.contains(Trait.KNOWS_NO_LOCKS)) {
            throw new Refusal(501, "NotImplemented");
        }
        if (asked.isPresent() && !traits.contains(Trait.LOCKS)) {
            throw new Refusal(400, "InvalidRequest");
        }
        return asked.isPresent() || !traits.contains(Trait.LOCKS_BY_DEFAULT)
                ? asked
                : Optional.of(Instant.now().plus(Duration.ofDays(1)).truncatedTo(ChronoUnit.SECONDS));
    }

    private Answer get(Request request) throws Refusal {
        Version version = version(request);
        if (version.marker()) {
            throw new Refusal(request.query().containsKey("versionId") ? 405 : 404, "NoSuchKey");
        }
        Map<String, String> headers = new LinkedHashMap<>();
        headers.put("ETag", "\"" + version.id() + "\"");
        headers.put(
                "Last-Modified",
                DateTimeFormatter.RFC_1123_DATE_TIME.format(version.at().atOffset(ZoneOffset.UTC)));
        version.writer().ifPresent(writer -> headers.put("x-amz-meta-backstop-writer", writer));
        if (!traits.contains(Trait.HIDES_LOCKS)) {
            version.until().ifPresent(until -> {
                headers.put(LOCK_MODE, version.mode());
                headers.put(LOCK_UNTIL, until.toString());
            });
        }
        return new Answer(200, withVersion(version.id(), headers), version.content());
    }

    private Answer delete(Request request) throws Refusal {
        List<Version> all = objects.getOrDefault(request.key(), new ArrayList<>());
        boolean named = request.query().containsKey("versionId");
        if (!named && traits.contains(Trait.VERSIONS)) {
            Version marker =
                    new Version("v" + ++versions, NOTHING, true, Instant.now(), Optional.empty(), "", Optional.empty());
            objects.computeIfAbsent(request.key(), unknown -> new ArrayList<>()).add(marker);
            return new Answer(204, withVersion(marker.id(), Map.of("x-amz-delete-marker", "true")), NOTHING);
        }
        if (named) {
            if (traits.contains(Trait.DENIES_VERSIONS)) {
                throw new Refusal(403, "AccessDenied");
            }
            Optional<Version> version = all.stream()
                    .filter(one -> one.id().equals(request.query().get("versionId")))
                    .findFirst();
            boolean locked = version.flatMap(Version::until)
                    .filter(until -> until.isAfter(Instant.now()))
                    .isPresent();
            if (locked && !traits.contains(Trait.REMOVES_LOCKED)) {
                throw new Refusal(403, "AccessDenied");
            }
            version.ifPresent(all::remove);
        } else {
            all.clear();
        }
        if (all.isEmpty()) {
            objects.remove(request.key());
        }
        return new Answer(204, Map.of(), NOTHING);
    }

    private Version version(Request request) throws Refusal {
        List<Version> all = objects.getOrDefault(request.key(), List.of());
        String id = request.query().get("versionId");
        return all.stream()
                .filter(version ->
                        id == null ? isLast(all, version) : version.id().equals(id))
                .findFirst()
                .orElseThrow(() -> traits.contains(Trait.HIDES_MISSING)
                        ? new Refusal(403, "AccessDenied")
                        : new Refusal(404, "NoSuchKey"));
    }

    private Map<String, String> withVersion(String id, Map<String, String> headers) {
        Map<String, String> all = new LinkedHashMap<>(headers);
        if (traits.contains(Trait.VERSIONS)) {
            all.put("x-amz-version-id", id);
        }
        return all;
    }

    private static boolean isLast(List<Version> all, Version version) {
        return last(all).id().equals(version.id());
    }

    private static Version last(List<Version> all) {
        return all.get(all.size() - 1);
    }

    private static String sha256(byte[] content) {
        try {
            return Base64.getEncoder()
                    .encodeToString(MessageDigest.getInstance("SHA-256").digest(content));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }

    /** What was asked. */
    public record Request(String method, String key, Map<String, String> query, Headers headers) {
        public Optional<String> header(String name) {
            return Optional.ofNullable(headers.getFirst(name));
        }
    }

    private record Version(
            String id,
            ByteBuffer content,
            boolean marker,
            Instant at,
            Optional<Instant> until,
            String mode,
            Optional<String> writer) {
        Version lockedUntil(Instant end) {
            return marker ? this : new Version(id, content, false, at, Optional.of(end), mode, writer);
        }

        String xml(String key, boolean withVersion, boolean latest) {
            String element = marker ? "DeleteMarker" : withVersion ? "Version" : "Contents";
            return "<" + element + "><Key>" + key + "</Key><LastModified>" + at + "</LastModified>"
                    + (withVersion ? "<VersionId>" + id + "</VersionId><IsLatest>" + latest + "</IsLatest>" : "")
                    + (marker ? "" : "<Size>" + content.remaining() + "</Size>") + "</" + element + ">";
        }
    }

    private record Answer(int status, Map<String, String> headers, ByteBuffer body) {
        static Answer xml(String text) {
            return new Answer(200, Map.of("Content-Type", "application/xml"), StandardCharsets.UTF_8.encode(text));
        }
    }

    private static final class Refusal extends Exception {
        private static final long serialVersionUID = 1L;

        private final int status;
        private final String code;

        Refusal(int status, String code) {
            super(code);
            this.status = status;
            this.code = code;
        }

        Answer answer() {
            return new Answer(
                    status,
                    Map.of("Content-Type", "application/xml"),
                    StandardCharsets.UTF_8.encode(
                            "<Error><Code>" + code + "</Code><Message>" + code + "</Message></Error>"));
        }
    }
}
