package io.backstop.jdbc.operator;

import com.fasterxml.jackson.annotation.JsonValue;
import io.backstop.jdbc.internal.digest.Sha256Digest;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.json.JsonMapper;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * The text of an operators' file, read and verified: one JSON object to a line, each signed by an operator whom the lines
 * before it list, over these lines too. Only the first operator vouches for themselves: whoever may write the file put them
 * there. Immutable, thread-safe.
 */
public final class OperatorList {
    /** The file before anybody was added. */
    public static final OperatorList EMPTY = new OperatorList("", Map.of());

    private static final String PURPOSE = "backstop operators 1";

    private static final JsonMapper JSON = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .build();

    private final String text;
    private final Map<String, Operator> operators;

    private OperatorList(String text, Map<String, Operator> operators) {
        this.text = text;
        this.operators = operators;
    }

    /** @throws OperatorException naming the first line that is not as it should be */
    public static OperatorList read(String text) throws OperatorException {
        OperatorList list = EMPTY;
        int number = 0;
        int at = 0;
        while (at < text.length()) {
            number++;
            int end = text.indexOf('\n', at);
            if (end < 0) {
                throw broken(number, "it does not end in a line feed");
            }
            list = list.with(text.substring(at, end), number);
            at = end + 1;
        }
        return list;
    }

    private static OperatorException broken(int line, String reason) {
        return new OperatorException(
                "line " + line + " of the operators' file is refused: " + reason,
                "put back the file as `backstop operators` wrote it");
    }

    private OperatorList with(String line, int number) throws OperatorException {
        Line entry;
        try {
            entry = JSON.readValue(line, Line.class);
            OperatorKey.checked(entry.operator());
            Instant.parse(entry.at());
        } catch (JacksonException | IllegalArgumentException | DateTimeException | NullPointerException e) {
            throw broken(number, "it is not one that `backstop operators` writes");
        }
        boolean first = operators.isEmpty();
        Operator known = operators.get(entry.operator());
        if (entry.action() == Action.REVOKE ? known == null || !known.active() : known != null && known.active()) {
            throw broken(
                    number,
                    entry.operator() + (entry.action() == Action.REVOKE ? " is no operator" : " is one already"));
        }
        Operator named = entry.action() == Action.REVOKE && known != null
                ? known.revoked(entry.by())
                : new Operator(
                        entry.operator(), entry.publicKey(), Instant.parse(entry.at()), entry.by(), Optional.empty());
        if (first && !entry.by().equals(entry.operator())) {
            throw broken(number, "the first operator is signed by nobody but themselves");
        }
        String signer = first
                ? named.publicKey()
                : active(entry.by())
                        .orElseThrow(() -> broken(number, entry.by() + " is no operator"))
                        .publicKey();
        try {
            Ed25519.read(named.publicKey());
            if (!Ed25519.verify(Ed25519.read(signer), signed(entry), entry.signature())) {
                throw broken(number, "it is not signed by " + entry.by());
            }
        } catch (GeneralSecurityException e) {
            throw broken(number, "it names no public key");
        }
        Map<String, Operator> after = new LinkedHashMap<>(operators);
        after.put(named.name(), named);
        return new OperatorList(text + line + "\n", after);
    }

    /** The lines before it belong to what is signed, so that none of them can be taken out or moved. */
    private SignedText signed(Line line) {
        return new SignedText(PURPOSE)
                .add(HexFormat.of().formatHex(Sha256Digest.start().digest(text.getBytes(StandardCharsets.UTF_8))))
                .add(line.action().name())
                .add(line.operator())
                .add(line.publicKey())
                .add(line.at())
                .add(line.by());
    }

    /**
     * The list with one more operator.
     *
     * @param signer an operator's key; the new operator's own if there is none yet
     * @throws OperatorException where the name is taken, or the signer is no operator
     */
    public OperatorList add(String operator, String publicKey, OperatorKey signer, Instant now)
            throws OperatorException {
        return append(Action.ADD, operator, publicKey, signer, now);
    }

    /**
     * The list without one operator: nothing that they signed counts any more.
     *
     * @throws OperatorException where they are no operator, are the last one, or the signer is none
     */
    public OperatorList revoke(String operator, OperatorKey signer, Instant now) throws OperatorException {
        if (active(operator).isPresent()
                && operators.values().stream().filter(Operator::active).count() == 1) {
            throw new OperatorException(
                    operator + " is the only operator, and without one nobody could decide or add another",
                    "add another operator first");
        }
        return append(Action.REVOKE, operator, "", signer, now);
    }

    private OperatorList append(Action action, String operator, String publicKey, OperatorKey signer, Instant now)
            throws OperatorException {
        String at = now.truncatedTo(ChronoUnit.SECONDS).toString();
        Line unsigned = new Line(action, operator, publicKey, at, signer.operator(), "");
        Line line = unsigned.signedWith(signer.sign(signed(unsigned)));
        return with(JSON.writeValueAsString(line), (int) text.lines().count() + 1);
    }

    /** The operator of this name, if they may decide. */
    public Optional<Operator> active(String name) {
        return Optional.ofNullable(operators.get(name)).filter(Operator::active);
    }

    /** Whether the key is that of an operator who may decide. */
    public boolean holds(OperatorKey key) {
        return active(key.operator())
                .filter(operator -> operator.publicKey().equals(key.publicKey()))
                .isPresent();
    }

    /** Whether an operator who may decide signed this text. */
    boolean verifies(String operator, SignedText signedText, String signature) {
        Optional<Operator> signer = active(operator);
        try {
            return signer.isPresent()
                    && Ed25519.verify(Ed25519.read(signer.get().publicKey()), signedText, signature);
        } catch (GeneralSecurityException e) {
            return false;
        }
    }

    /** Every operator, in the order of the file, the revoked ones too. */
    public List<Operator> all() {
        return List.copyOf(operators.values());
    }

    public boolean anyActive() {
        return operators.values().stream().anyMatch(Operator::active);
    }

    /** Whether this list is the other one, or the other one with more lines. */
    boolean continues(OperatorList other) {
        return text.startsWith(other.text);
    }

    /** The text of the file. */
    public String text() {
        return text;
    }

    /** What a line does. */
    enum Action {
        ADD,
        REVOKE;

        @JsonValue
        String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** A line of the file. */
    record Line(Action action, String operator, String publicKey, String at, String by, String signature) {
        Line signedWith(String value) {
            return new Line(action, operator, publicKey, at, by, value);
        }
    }
}
