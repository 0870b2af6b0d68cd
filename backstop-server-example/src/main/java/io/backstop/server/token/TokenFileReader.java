package io.backstop.server.token;

import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Reads the text of a token file: a JSON array of objects with the keys {@code id}, {@code token} and {@code scopes},
 * and optionally {@code agent_id}, {@code operator} and {@code description}. Everything else is an error. No error repeats text that may
 * be a token. Stateless, thread-safe.
 */
final class TokenFileReader {
    /** So many random letters and digits cannot be guessed over a network. */
    static final int MIN_TOKEN_LENGTH = 12;

    private static final int MAX_TEXT_LENGTH = 500;
    private static final Set<String> KEYS = Set.of("id", "token", "scopes", "agent_id", "operator", "description");
    private static final Pattern ID = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._@-]{0,63}");
    /** The characters of a bearer token (RFC 6750, section 2.1). */
    private static final Pattern TOKEN = Pattern.compile("[A-Za-z0-9._~+/-]+=*");

    private static final JsonMapper JSON = JsonMapper.builder(JsonFactory.builder()
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private TokenFileReader() {}

    /**
     * Reads a token file.
     *
     * @param name the name of the file in messages
     * @throws InvalidTokenFileException if the text is not a token file
     */
    static TokenSet read(byte[] text, String name) throws InvalidTokenFileException {
        JsonNode root = parse(text, name);
        if (!root.isArray()) {
            throw new InvalidTokenFileException("token file " + name + ": expected a JSON array of entries");
        }
        List<TokenSet.Entry> entries = new ArrayList<>();
        Set<String> ids = new HashSet<>();
        Set<String> tokens = new HashSet<>();
        for (JsonNode node : root) {
            String where = "token file " + name + ", entry " + (entries.size() + 1);
            if (!node.isObject()) {
                throw new InvalidTokenFileException(where + ": expected a JSON object");
            }
            if (!KEYS.containsAll(node.propertyNames())) {
                throw new InvalidTokenFileException(
                        where
                                + ": it has an unknown key; the keys are id, token, scopes, agent_id, operator and description");
            }
            String id = id(node, where);
            where += " (" + id + ")";
            if (!ids.add(id)) {
                throw new InvalidTokenFileException(where + ": an entry before it has the same id");
            }
            String token = token(node, where);
            if (!tokens.add(token)) {
                throw new InvalidTokenFileException(where + ": an entry before it has the same token");
            }
            optional(node, "description", where);
            Caller caller = new Caller(
                    id, scopes(node, where), optional(node, "agent_id", where), optional(node, "operator", where));
            entries.add(new TokenSet.Entry(TokenDigest.of(token), caller));
        }
        return new TokenSet(entries);
    }

    private static JsonNode parse(byte[] text, String name) throws InvalidTokenFileException {
        try {
            return JSON.readTree(text);
        } catch (JacksonException e) {
            TokenStreamLocation at = e.getLocation();
            String where = at == null ? "" : ", line " + at.getLineNr() + ", column " + at.getColumnNr();
            throw new InvalidTokenFileException(
                    "token file " + name + where + ": not valid JSON, or a key that is there twice");
        }
    }

    private static String id(JsonNode entry, String where) throws InvalidTokenFileException {
        JsonNode id = entry.get("id");
        if (id == null || !id.isString() || !ID.matcher(id.asString()).matches()) {
            throw new InvalidTokenFileException(
                    where + ": id has to be 1 to 64 letters, digits and . _ @ -, beginning with a letter or a digit");
        }
        if (id.equals(entry.get("token"))) {
            throw new InvalidTokenFileException(where + ": id and token are the same, and the id is no secret");
        }
        return id.asString();
    }

    private static String token(JsonNode entry, String where) throws InvalidTokenFileException {
        JsonNode token = entry.get("token");
        if (token == null
                || !token.isString()
                || token.asString().length() < MIN_TOKEN_LENGTH
                || token.asString().length() > MAX_TEXT_LENGTH
                || !TOKEN.matcher(token.asString()).matches()) {
            throw new InvalidTokenFileException(where + ": token has to be " + MIN_TOKEN_LENGTH + " to "
                    + MAX_TEXT_LENGTH + " letters, digits and - . _ ~ + /, perhaps followed by =");
        }
        return token.asString();
    }

    private static Set<Scope> scopes(JsonNode entry, String where) throws InvalidTokenFileException {
        JsonNode list = entry.get("scopes");
        if (list == null || !list.isArray() || list.isEmpty()) {
            throw new InvalidTokenFileException(where + ": scopes has to be an array with at least one scope");
        }
        Set<Scope> scopes = EnumSet.noneOf(Scope.class);
        for (JsonNode item : list) {
            Optional<Scope> scope = item.isString() ? Scope.of(item.asString()) : Optional.empty();
            scopes.add(scope.orElseThrow(() -> new InvalidTokenFileException(where
                    + ": it has an unknown scope; the scopes are"
                    + " admin:*, approval:read, approval:write, metadata:read and metrics:read")));
        }
        return scopes;
    }

    private static Optional<String> optional(JsonNode entry, String key, String where)
            throws InvalidTokenFileException {
        JsonNode text = entry.get(key);
        if (text == null) {
            return Optional.empty();
        }
        if (!text.isString() || text.asString().isBlank() || text.asString().length() > MAX_TEXT_LENGTH) {
            throw new InvalidTokenFileException(where + ": " + key + " has to be a text of at most " + MAX_TEXT_LENGTH
                    + " characters, or left out");
        }
        return Optional.of(text.asString());
    }
}
