package io.backstop.key.kms;

import com.sun.net.httpserver.HttpExchange;
import io.backstop.snapshot.key.KeyServiceServer;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import javax.crypto.AEADBadTagException;

import java.io.IOException;
import java.util.Base64;
import java.util.Map;

/** Speaks the part of the AWS KMS API that keys use (API reference, Encrypt and Decrypt). */
public final class KmsServer extends KeyServiceServer {
    private static final JsonMapper JSON = new JsonMapper();

    public KmsServer(String... keys) throws IOException {
        super(keys);
    }

    @Override
    protected Reply answer(HttpExchange exchange, byte[] body) throws IOException {
        JsonNode request = JSON.readTree(body);
        String key = request.path("KeyId").asString();
        if (!exchange.getRequestHeaders().getFirst("Authorization").startsWith("AWS4-HMAC-SHA256 ")) {
            return error("MissingAuthenticationTokenException");
        }
        if (!knows(key)) {
            return error("NotFoundException");
        }
        String context = request.path("EncryptionContext").toString();
        String target = exchange.getRequestHeaders().getFirst("X-Amz-Target");
        if (target.equals("TrentService.Encrypt")) {
            byte[] plaintext =
                    Base64.getDecoder().decode(request.path("Plaintext").asString());
            return reply("CiphertextBlob", encrypt(key, plaintext, context));
        }
        try {
            byte[] ciphertext =
                    Base64.getDecoder().decode(request.path("CiphertextBlob").asString());
            return reply("Plaintext", decrypt(key, ciphertext, context));
        } catch (AEADBadTagException e) {
            return error("InvalidCiphertextException");
        }
    }

    private static Reply reply(String field, byte[] value) {
        return new Reply(
                200, JSON.writeValueAsString(Map.of(field, Base64.getEncoder().encodeToString(value))));
    }

    private static Reply error(String code) {
        return new Reply(400, "{\"__type\": \"" + code + "\", \"message\": \"as it was told to\"}");
    }

    @Override
    protected Reply denied() {
        return error("AccessDeniedException");
    }

    @Override
    protected Reply throttled() {
        return error("ThrottlingException");
    }
}
