package io.backstop.snapshot.key;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;

import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * A key service on this machine: it encrypts with AES-256-GCM under keys of its own, and fails as it is told to. Thread-safe.
 */
public abstract class KeyServiceServer implements AutoCloseable {
    private static final int NONCE = 12;
    private static final int TAG_BITS = 128;

    private final SecureRandom random = new SecureRandom();
    private final Map<String, SecretKeySpec> keys = new ConcurrentHashMap<>();
    private final CountDownLatch closed = new CountDownLatch(1);
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final HttpServer server;
    private Fault fault = Fault.NONE;
    private int times;

    /** How a request fails. */
    public enum Fault {
        NONE,
        DENIED,
        THROTTLED,
        BROKEN,
        GARBAGE,
        SILENT,
        /** The head of an answer comes, and not the rest. */
        STALLED
    }

    /** What it answers. */
    public record Reply(int status, String body) {}

    protected KeyServiceServer(String... keyNames) throws IOException {
        for (String name : keyNames) {
            byte[] secret = new byte[32];
            random.nextBytes(secret);
            keys.put(name, new SecretKeySpec(secret, "AES"));
        }
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(threads);
        server.createContext("/", this::handle);
        server.start();
    }

    public String endpoint() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    /** The next requests fail, as many as are named. */
    public synchronized void fail(Fault next, int count) {
        fault = next;
        times = count;
    }

    private synchronized Fault fault() {
        return times-- > 0 ? fault : Fault.NONE;
    }

    private void handle(HttpExchange exchange) throws IOException {
        try (exchange) {
            byte[] body = exchange.getRequestBody().readAllBytes();
            Fault now = fault();
            if (now == Fault.SILENT) {
                awaitClose();
                return;
            }
            if (now == Fault.STALLED) {
                exchange.sendResponseHeaders(200, 1000);
                exchange.getResponseBody().flush();
                awaitClose();
                return;
            }
            Reply reply = switch (now) {
                case DENIED -> denied();
                case THROTTLED -> throttled();
                case BROKEN -> new Reply(503, "");
                case GARBAGE -> new Reply(200, "<html>welcome</html>");
                default -> answer(exchange, body);
            };
            byte[] text = reply.body().getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(reply.status(), text.length == 0 ? -1 : text.length);
            exchange.getResponseBody().write(text);
        }
    }

    private void awaitClose() {
        try {
            closed.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    protected abstract Reply answer(HttpExchange exchange, byte[] body) throws IOException;

    protected abstract Reply denied();

    protected abstract Reply throttled();

    protected final boolean knows(String key) {
        return keys.containsKey(key);
    }

    protected final byte[] encrypt(String key, byte[] plaintext, String associated) {
        byte[] nonce = new byte[NONCE];
        random.nextBytes(nonce);
        try {
            byte[] sealed = cipher(Cipher.ENCRYPT_MODE, key, nonce, associated).doFinal(plaintext);
            byte[] whole = Arrays.copyOf(nonce, NONCE + sealed.length);
            System.arraycopy(sealed, 0, whole, NONCE, sealed.length);
            return whole;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    /** @throws AEADBadTagException where it was encrypted under another key or for something else, or was changed */
    protected final byte[] decrypt(String key, byte[] ciphertext, String associated) throws AEADBadTagException {
        if (ciphertext.length < NONCE) {
            throw new AEADBadTagException("too short");
        }
        try {
            return cipher(Cipher.DECRYPT_MODE, key, Arrays.copyOf(ciphertext, NONCE), associated)
                    .doFinal(Arrays.copyOfRange(ciphertext, NONCE, ciphertext.length));
        } catch (AEADBadTagException e) {
            throw e;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    private Cipher cipher(int mode, String key, byte[] nonce, String associated) throws GeneralSecurityException {
        Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
        cipher.init(mode, keys.get(key), new GCMParameterSpec(TAG_BITS, nonce));
        cipher.updateAAD(associated.getBytes(StandardCharsets.UTF_8));
        return cipher;
    }

    @Override
    public void close() {
        closed.countDown();
        server.stop(0);
        threads.shutdownNow();
    }
}
