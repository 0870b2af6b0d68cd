package io.backstop.server.internal.http;

import io.javalin.http.Context;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

import java.io.IOException;
import java.io.InputStream;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Reads bodies of requests: JSON objects of at most {@value #MAX_BYTES} bytes with known keys. Stateless, thread-safe.
 */
public final class JsonBody {
    static final int MAX_BYTES = 64 * 1024;

    private static final int MAX_DISCARDED_BYTES = 1024 * 1024;

    private static final Pattern JSON_TYPE =
            Pattern.compile("application/json\\s*(;\\s*charset\\s*=\\s*\"?utf-8\"?\\s*)?");

    private JsonBody() {}

    /**
     * Reads a JSON object.
     *
     * @param keys the keys that the object may have
     * @throws RequestRefusedException with 413, 415 or 400 if the body is not such an object
     */
    public static JsonNode object(Context request, Set<String> keys) throws RequestRefusedException, IOException {
        return object(request, bytes(request), keys);
    }

    /**
     * Reads a JSON object, if there is a body.
     *
     * @param keys the keys that the object may have
     * @throws RequestRefusedException with 413, 415 or 400 if the body is not such an object
     */
    public static Optional<JsonNode> optional(Context request, Set<String> keys)
            throws RequestRefusedException, IOException {
        byte[] bytes = bytes(request);
        return bytes.length == 0 ? Optional.empty() : Optional.of(object(request, bytes, keys));
    }

    /**
     * Reads a body that has to be empty or an empty object: a client must not believe that a key in it was understood.
     *
     * @throws RequestRefusedException with 413, 415 or 400 if it is anything else
     */
    public static void none(Context request) throws RequestRefusedException, IOException {
        byte[] bytes = bytes(request);
        if (bytes.length > 0) {
            object(request, bytes, Set.of());
        }
    }

    private static JsonNode object(Context request, byte[] bytes, Set<String> keys) throws RequestRefusedException {
        String type = request.contentType();
        if (type == null
                || !JSON_TYPE.matcher(type.strip().toLowerCase(Locale.ROOT)).matches()) {
            throw new RequestRefusedException(
                    415,
                    ErrorResponse.of(
                            "unsupported_media_type",
                            "the body has to be sent as Content-Type: " + HttpJson.MEDIA_TYPE));
        }
        JsonNode node;
        try {
            node = HttpJson.MAPPER.readTree(bytes);
        } catch (JacksonException e) {
            throw RequestRefusedException.badRequest("the body is not valid JSON in UTF-8");
        }
        if (!node.isObject()) {
            throw RequestRefusedException.badRequest("the body has to be a JSON object");
        }
        if (!keys.containsAll(node.propertyNames())) {
            throw RequestRefusedException.badRequest(
                    keys.isEmpty()
                            ? "this endpoint takes nothing in its body"
                            : "the body has an unknown key; known here: " + String.join(", ", keys));
        }
        return node;
    }

    private static byte[] bytes(Context request) throws RequestRefusedException, IOException {
        if (request.req().getContentLengthLong() > MAX_DISCARDED_BYTES) {
            throw tooLarge();
        }
        InputStream stream = request.req().getInputStream();
        byte[] bytes = stream.readNBytes(MAX_BYTES + 1);
        if (bytes.length > MAX_BYTES) {
            // A client that is still sending when the connection closes may never see the answer.
            stream.skip(MAX_DISCARDED_BYTES);
            throw tooLarge();
        }
        return bytes;
    }

    private static RequestRefusedException tooLarge() {
        return new RequestRefusedException(
                413, ErrorResponse.of("content_too_large", "the body may be at most " + MAX_BYTES + " bytes large"));
    }
}
