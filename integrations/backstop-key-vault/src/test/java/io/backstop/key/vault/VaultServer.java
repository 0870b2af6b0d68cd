package io.backstop.key.vault;

import com.sun.net.httpserver.HttpExchange;
import io.backstop.snapshot.key.KeyServiceServer;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import javax.crypto.AEADBadTagException;

import java.io.IOException;
import java.util.Base64;
import java.util.List;
import java.util.Map;

/** Speaks the part of Vault's API that keys use ("Transit secrets engine", Encrypt data and Decrypt data). */
public final class VaultServer extends KeyServiceServer {
    public static final String TOKEN = "hvs.a-token";
    static final String MOUNT = "/v1/teams/transit/";

    private static final JsonMapper JSON = new JsonMapper();
    private static final String VERSION = "vault:v1:";

    public VaultServer(String... keys) throws IOException {
        super(keys);
    }

    @Override
    protected Reply answer(HttpExchange exchange, byte[] body) throws IOException {
        String path = exchange.getRequestURI().getPath();
        if (!TOKEN.equals(exchange.getRequestHeaders().getFirst("X-Vault-Token"))) {
            return denied();
        }
        if (!path.startsWith(MOUNT)) {
            return error(404, "no handler for route");
        }
        String key = path.substring(path.lastIndexOf('/') + 1);
        if (!knows(key)) {
            return error(400, "encryption key not found");
        }
        JsonNode request = JSON.readTree(body);
        if (path.startsWith(MOUNT + "encrypt/")) {
            byte[] plaintext =
                    Base64.getDecoder().decode(request.path("plaintext").asString());
            return reply("ciphertext", VERSION + Base64.getEncoder().encodeToString(encrypt(key, plaintext, "")));
        }
        String ciphertext = request.path("ciphertext").asString();
        if (!ciphertext.startsWith(VERSION)) {
            return error(400, "invalid ciphertext: no prefix");
        }
        try {
            byte[] plaintext = decrypt(key, Base64.getDecoder().decode(ciphertext.substring(VERSION.length())), "");
            return reply("plaintext", Base64.getEncoder().encodeToString(plaintext));
        } catch (AEADBadTagException | IllegalArgumentException e) {
            return error(400, "cipher: message authentication failed");
        }
    }

    private static Reply reply(String field, String value) {
        return new Reply(200, JSON.writeValueAsString(Map.of("data", Map.of(field, value, "key_version", 1))));
    }

    private static Reply error(int status, String words) {
        return new Reply(status, JSON.writeValueAsString(Map.of("errors", List.of(words))));
    }

    @Override
    protected Reply denied() {
        return error(403, "permission denied");
    }

    @Override
    protected Reply throttled() {
        return error(429, "request path is rate limited");
    }
}
