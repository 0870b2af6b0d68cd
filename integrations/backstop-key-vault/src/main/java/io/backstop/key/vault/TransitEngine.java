package io.backstop.key.vault;

import io.backstop.key.vault.VaultKeyProvider.Patience;
import io.backstop.snapshot.key.KeyException;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * The requests {@code encrypt} and {@code decrypt} of a transit engine (Vault's API documentation, "Transit secrets engine").
 * What is repeated has no effect but its answer. No redirect is followed: the token would go with it. Thread-safe.
 */
final class TransitEngine {
    private static final JsonMapper JSON = new JsonMapper();

    /** Too many requests, no leader, sealed, and what stands before the server cannot reach it. */
    private static final Set<Integer> LATER = Set.of(412, 429, 472, 473, 500, 502, 503, 504);

    private static final int OK = 200;
    private static final int BAD_REQUEST = 400;
    private static final int FORBIDDEN = 403;
    private static final int NOT_FOUND = 404;
    private static final int LONGEST_TOKEN = 1 << 14;

    private final URI server;
    private final String mount;
    private final String key;
    private final Map<String, String> environment;
    private final Path tokenFile;
    private final Patience patience;
    private final HttpClient client;

    TransitEngine(
            URI server, String mount, String key, Map<String, String> environment, Path tokenFile, Patience patience) {
        this.server = server;
        this.mount = mount;
        this.key = key;
        this.environment = Map.copyOf(environment);
        this.tokenFile = tokenFile;
        this.patience = patience;
        this.client = HttpClient.newBuilder()
                .connectTimeout(patience.attempt())
                .followRedirects(HttpClient.Redirect.NEVER)
                .version(HttpClient.Version.HTTP_1_1)
                .build();
    }

    /**
     * @param what {@code encrypt} or {@code decrypt}
     * @param field {@code plaintext} or {@code ciphertext}, whichever is sent; the other comes back
     * @return empty where the engine says that this was not encrypted by the key
     */
    Optional<String> ask(String what, String field, String value) throws IOException {
        HttpRequest request = request(what, JSON.writeValueAsString(Map.of(field, value)));
        HttpResponse<byte[]> response = send(what, request);
        return response.statusCode() == OK
                ? Optional.of(answer(what, field, response.body()))
                : refused(what, response);
    }

    /** An answer that another attempt would not change. */
    private HttpResponse<byte[]> send(String what, HttpRequest request) throws IOException {
        Duration pause = patience.pause();
        for (int attempt = 1; ; attempt++) {
            IOException failure;
            try {
                HttpResponse<byte[]> response = answer(request);
                if (!LATER.contains(response.statusCode())) {
                    return response;
                }
                failure = new IOException("it answers with status " + response.statusCode());
            } catch (InterruptedException e) {
                throw interrupted(what);
            } catch (IOException e) {
                failure = e;
            }
            if (attempt == patience.attempts()) {
                throw new IOException(
                        name() + " could not be asked to " + what + " a data key: " + words(failure), failure);
            }
            pause(what, pause);
            pause = pause.multipliedBy(2);
        }
    }

    /** Waits for the whole of it: the time-out of a request ends with the head of its answer. */
    private HttpResponse<byte[]> answer(HttpRequest request) throws IOException, InterruptedException {
        CompletableFuture<HttpResponse<byte[]>> answer =
                client.sendAsync(request, HttpResponse.BodyHandlers.ofByteArray());
        try {
            return answer.get(patience.attempt().toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            throw new HttpTimeoutException(
                    "no whole answer within " + patience.attempt().toMillis() + " ms");
        } catch (ExecutionException e) {
            throw e.getCause() instanceof IOException failure
                    ? failure
                    : new IOException(String.valueOf(e.getCause()), e);
        } finally {
            answer.cancel(true);
        }
    }

    private HttpRequest request(String what, String body) throws IOException {
        HttpRequest.Builder request = HttpRequest.newBuilder(server.resolve("v1/" + mount + what + "/" + key))
                .timeout(patience.attempt())
                .header("Content-Type", "application/json")
                .header("X-Vault-Request", "true")
                .header("X-Vault-Token", token())
                .POST(HttpRequest.BodyPublishers.ofString(body));
        Optional.ofNullable(environment.get("VAULT_NAMESPACE"))
                .filter(namespace -> !namespace.isEmpty())
                .ifPresent(namespace -> request.header("X-Vault-Namespace", namespace));
        return request.build();
    }

    private String token() throws IOException {
        @Nullable String token = environment.get("VAULT_TOKEN");
        if (token == null || token.isEmpty()) {
            try (var file = Files.newInputStream(tokenFile)) {
                token = new String(file.readNBytes(LONGEST_TOKEN), StandardCharsets.UTF_8);
            } catch (NoSuchFileException e) {
                throw new KeyException("there is no token for Vault", "set VAULT_TOKEN, or write it to " + tokenFile);
            }
        }
        token = token.strip();
        if (token.isEmpty() || !token.chars().allMatch(each -> each > ' ' && each < 0x7f)) {
            throw new KeyException(
                    "the token for Vault is not one",
                    "set VAULT_TOKEN, or write it to " + tokenFile + ", and nothing else");
        }
        return token;
    }

    private String answer(String what, String field, byte[] body) throws IOException {
        String wanted = field.equals("plaintext") ? "ciphertext" : "plaintext";
        try {
            JsonNode value = JSON.readTree(body).path("data").path(wanted);
            if (value.isString()) {
                return value.asString();
            }
        } catch (JacksonException e) {
            // falls through: what came is not repeated, it may hold a data key
        }
        throw new IOException(name() + " answers a request to " + what + " without " + wanted
                + "; see whether a Vault server listens there");
    }

    private Optional<String> refused(String what, HttpResponse<byte[]> response) throws KeyException {
        String errors = errors(response.body());
        if (response.statusCode() == BAD_REQUEST && what.equals("decrypt") && !errors.contains("key not found")) {
            return Optional.empty();
        }
        String refusal = name() + " refuses to " + what + " a data key: ";
        throw switch (response.statusCode()) {
            case FORBIDDEN ->
                new KeyException(
                        refusal + "the token does not allow it, or has expired",
                        "give it a policy with update on " + mount + "encrypt/" + key + " and " + mount + "decrypt/"
                                + key);
            case NOT_FOUND ->
                new KeyException(
                        refusal + "there is no transit engine at " + mount,
                        "enable one there, or name its mount and VAULT_NAMESPACE");
            case BAD_REQUEST ->
                new KeyException(
                        refusal + "there is no key of that name, or it is not for that",
                        "make one of type aes256-gcm96 (vault write -f " + mount + "keys/" + key + ")");
            default ->
                new KeyException(
                        refusal + "status " + response.statusCode(), "see whether a Vault server listens there");
        };
    }

    private static String errors(byte[] body) {
        try {
            return JSON.readTree(body).path("errors").toString();
        } catch (JacksonException e) {
            return "";
        }
    }

    private static String words(IOException failure) {
        return failure.getMessage() == null ? failure.getClass().getSimpleName() : failure.getMessage();
    }

    private void pause(String what, Duration time) throws InterruptedIOException {
        try {
            Thread.sleep(time.toMillis());
        } catch (InterruptedException e) {
            throw interrupted(what);
        }
    }

    private InterruptedIOException interrupted(String what) {
        Thread.currentThread().interrupt();
        return new InterruptedIOException(
                name() + " was asked to " + what + " a data key, and the thread was interrupted");
    }

    /** The server with the key, for messages. */
    private String name() {
        return "Vault at " + server + " with the key " + mount + key;
    }
}
