package io.backstop.store.s3;

import io.backstop.snapshot.store.ObjectStore;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * Stands between an S3 client and a real S3 server, passes requests and answers on byte by byte, and does to each request
 * what the test says. Counts the requests. Thread-safe.
 */
public final class FaultyProxy implements AutoCloseable {
    private static final StoreTimeouts HASTE =
            new StoreTimeouts(Duration.ofSeconds(5), Duration.ofMillis(800), Duration.ofMillis(2500), Duration.ZERO, 3);

    private final URI server;
    private final Function<Request, Fault> faults;
    private final ServerSocket socket;
    private final Set<Closeable> open = ConcurrentHashMap.newKeySet();
    private final CountDownLatch closed = new CountDownLatch(1);
    private final AtomicInteger requests = new AtomicInteger();

    /** @param faults says what happens to a request, counted from 1; is called by several threads */
    public FaultyProxy(String endpoint, Function<Request, Fault> faults) throws IOException {
        this.server = URI.create(endpoint);
        this.faults = faults;
        this.socket = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        start("faulty-proxy", this::accept);
    }

    /** What can happen to a request. */
    public enum Fault {
        NONE,
        /** The connection is cut when half of the request's body is there. */
        CUT_REQUEST,
        /** The server does what it was asked to, and the connection is cut before its answer. */
        LOSE_ANSWER,
        /** The server does what it was asked to, and the connection is cut in the middle of the answer's body. */
        CUT_ANSWER,
        /** Nothing of the request is read after its head, and nothing is answered. */
        HANG,
        /** The server does what it was asked to, and nothing is answered. */
        HANG_AFTERWARDS,
        /** The answer comes byte by byte, each after a pause. */
        TRICKLE,
        /** One bit of the request's body is another one when it comes to the server. */
        DAMAGE,
        /** 500 InternalError, and the server never hears of it. */
        INTERNAL_ERROR,
        /** 503 SlowDown, and the server never hears of it; the body is not even read. */
        SLOW_DOWN,
        /** 403 AccessDenied. */
        DENIED,
        /** The answer names a SHA-256 of the object's content, as servers do that keep one: see {@link Request#sha256}. */
        TELL_CHECKSUM
    }

    /** @param sha256 in Base64, for {@link Fault#TELL_CHECKSUM} */
    public record Request(int number, String method, String target, StringBuilder sha256) {}

    public String endpoint() {
        return "http://127.0.0.1:" + socket.getLocalPort();
    }

    /** The bucket through this proxy, by a client that does not wait long. */
    public ObjectStore open(String bucket) {
        return S3ObjectStoreProvider.open("s3://" + bucket + "@" + endpoint(), HASTE);
    }

    /** How many requests came. */
    public int requests() {
        return requests.get();
    }

    private void accept() throws IOException {
        while (true) {
            Socket client = register(socket.accept());
            start("faulty-proxy-connection", () -> {
                try (client;
                        Socket upstream = register(new Socket(server.getHost(), server.getPort()))) {
                    InputStream fromClient = new BufferedInputStream(client.getInputStream());
                    InputStream fromServer = new BufferedInputStream(upstream.getInputStream());
                    while (passOn(client, fromClient, upstream, fromServer)) {
                        // the next request on this connection
                    }
                }
            });
        }
    }

    /** Whether the connection can be used again. */
    private boolean passOn(Socket client, InputStream fromClient, Socket upstream, InputStream fromServer)
            throws IOException {
        Optional<Head> asked = Head.read(fromClient);
        if (asked.isEmpty()) {
            return false;
        }
        Head head = asked.get();
        String[] line = head.firstLine().split(" ", -1);
        Request request = new Request(requests.incrementAndGet(), line[0], line[1], new StringBuilder());
        Fault fault = faults.apply(request);
        OutputStream toServer = upstream.getOutputStream();
        OutputStream toClient = client.getOutputStream();
        switch (fault) {
            case HANG -> {
                awaitClose();
                return false;
            }
            case SLOW_DOWN -> {
                answer(toClient, "503 Slow Down", "SlowDown");
                return false;
            }
            case INTERNAL_ERROR -> {
                fromClient.readNBytes(head.length());
                answer(toClient, "500 Internal Server Error", "InternalError");
                return false;
            }
            case DENIED -> {
                fromClient.readNBytes(head.length());
                answer(toClient, "403 Forbidden", "AccessDenied");
                return false;
            }
            case CUT_REQUEST -> {
                toServer.write(head.bytes());
                toServer.write(fromClient.readNBytes(head.length() / 2));
                toServer.flush();
                return false;
            }
            case NONE, LOSE_ANSWER, CUT_ANSWER, HANG_AFTERWARDS, TRICKLE, DAMAGE, TELL_CHECKSUM -> {
                byte[] body = fromClient.readNBytes(head.length());
                if (fault == Fault.DAMAGE && body.length > 0) {
                    body[body.length / 2] ^= 1;
                }
                toServer.write(head.bytes());
                toServer.write(body);
                toServer.flush();
            }
        }
        Head answer = Head.read(fromServer).orElseThrow(() -> new IOException("the server gave no answer"));
        boolean hasBody =
                !request.method().equals("HEAD") && !answer.firstLine().contains(" 204 ");
        byte[] content = hasBody ? answer.body(fromServer) : new byte[0];
        byte[] bytes = fault == Fault.TELL_CHECKSUM
                ? answer.with("x-amz-checksum-sha256", request.sha256().toString())
                : answer.bytes();
        switch (fault) {
            case LOSE_ANSWER -> {
                return false;
            }
            case CUT_ANSWER -> {
                toClient.write(bytes);
                toClient.write(content, 0, content.length / 2);
                toClient.flush();
                return false;
            }
            case HANG_AFTERWARDS -> {
                awaitClose();
                return false;
            }
            case TRICKLE -> {
                toClient.write(bytes);
                for (byte one : content) {
                    LockSupport.parkNanos(50_000_000);
                    toClient.write(one);
                    toClient.flush();
                }
                return true;
            }
            default -> {
                toClient.write(bytes);
                toClient.write(content);
                toClient.flush();
                return !hasBody || !answer.endsWithConnection();
            }
        }
    }

    private static void answer(OutputStream toClient, String status, String code) throws IOException {
        byte[] body = ("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>" + code + "</Code><Message>" + code
                        + "</Message></Error>")
                .getBytes(StandardCharsets.UTF_8);
        toClient.write(("HTTP/1.1 " + status + "\r\nContent-Type: application/xml\r\nConnection: close\r\n"
                        + "Content-Length: " + body.length + "\r\n\r\n")
                .getBytes(StandardCharsets.US_ASCII));
        toClient.write(body);
        toClient.flush();
    }

    private void awaitClose() throws IOException {
        try {
            closed.await();
        } catch (InterruptedException e) {
            throw new IOException(e);
        }
    }

    private <T extends Closeable> T register(T closeable) {
        open.add(closeable);
        return closeable;
    }

    private static void start(String name, Work work) {
        Thread thread = new Thread(
                () -> {
                    try {
                        work.run();
                    } catch (IOException e) {
                        // One side went away, which is what this is about.
                    }
                },
                name);
        thread.setDaemon(true);
        thread.start();
    }

    @Override
    public void close() throws IOException {
        closed.countDown();
        socket.close();
        for (Closeable closeable : open) {
            closeable.close();
        }
    }

    @FunctionalInterface
    private interface Work {
        void run() throws IOException;
    }

    /** A request's or an answer's first lines, with the empty one that ends them. */
    private record Head(String text) {
        static Optional<Head> read(InputStream stream) throws IOException {
            ByteArrayOutputStream head = new ByteArrayOutputStream();
            int last = 0;
            for (int next = stream.read(); next >= 0; next = stream.read()) {
                head.write(next);
                last = last << 8 | next;
                if (last == 0x0d0a0d0a) {
                    return Optional.of(new Head(head.toString(StandardCharsets.ISO_8859_1)));
                }
            }
            return Optional.empty();
        }

        byte[] bytes() {
            return text.getBytes(StandardCharsets.ISO_8859_1);
        }

        String firstLine() {
            return text.lines().findFirst().orElse("");
        }

        private Optional<String> header(String name) {
            return text.lines()
                    .filter(line -> line.toLowerCase(Locale.ROOT).startsWith(name + ":"))
                    .map(line -> line.substring(name.length() + 1).trim())
                    .findFirst();
        }

        int length() {
            return header("content-length").map(Integer::parseInt).orElse(0);
        }

        boolean endsWithConnection() {
            return header("transfer-encoding").isEmpty()
                    && header("content-length").isEmpty();
        }

        /** With one header's value in place of another one, or in addition. */
        byte[] with(String header, String value) {
            String others = text.lines()
                    .filter(line ->
                            !line.isEmpty() && !line.toLowerCase(Locale.ROOT).startsWith(header + ":"))
                    .collect(Collectors.joining("\r\n"));
            return (others + "\r\n" + header + ": " + value + "\r\n\r\n").getBytes(StandardCharsets.ISO_8859_1);
        }

        /** The body as it is on the wire, with the lengths of its chunks where it has such. */
        byte[] body(InputStream stream) throws IOException {
            if (endsWithConnection()) {
                return stream.readAllBytes();
            }
            if (header("transfer-encoding").isEmpty()) {
                return stream.readNBytes(length());
            }
            ByteArrayOutputStream body = new ByteArrayOutputStream();
            int size;
            do {
                byte[] line = line(stream);
                body.write(line);
                size = Integer.parseInt(
                        new String(line, StandardCharsets.US_ASCII).trim().split(";", -1)[0], 16);
                body.write(stream.readNBytes(size + 2));
            } while (size > 0);
            return body.toByteArray();
        }

        private static byte[] line(InputStream stream) throws IOException {
            byte[] line = new byte[64];
            int length = 0;
            do {
                line[length++] = (byte) stream.read();
            } while (line[length - 1] != '\n');
            return Arrays.copyOf(line, length);
        }
    }
}
