package io.backstop.jdbc.operator;

import java.security.KeyPair;
import java.security.PrivateKey;
import java.util.Objects;
import java.util.regex.Pattern;

/** The key with which one operator signs. Immutable, thread-safe; its text form holds no secret. */
public final class OperatorKey {
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._@-]{0,63}");

    private final String operator;
    private final PrivateKey privateKey;
    private final String publicKey;

    OperatorKey(String operator, PrivateKey privateKey, String publicKey) {
        this.operator = checked(operator);
        this.privateKey = Objects.requireNonNull(privateKey, "privateKey");
        this.publicKey = Objects.requireNonNull(publicKey, "publicKey");
    }

    /**
     * Makes a new key.
     *
     * @param operator 1 to 64 letters, digits and {@code . _ @ -}
     * @throws IllegalArgumentException for another name
     */
    public static OperatorKey create(String operator) {
        checked(operator);
        KeyPair pair = Ed25519.newKeyPair();
        return new OperatorKey(operator, pair.getPrivate(), Ed25519.write(pair.getPublic()));
    }

    static String checked(String operator) {
        if (!NAME.matcher(operator).matches()) {
            throw new IllegalArgumentException(
                    "an operator's name has 1 to 64 letters, digits and . _ @ -, and begins with a letter or a digit");
        }
        return operator;
    }

    /** Whose key it is. */
    public String operator() {
        return operator;
    }

    /** The key that verifies, as the operators' file lists it. */
    public String publicKey() {
        return publicKey;
    }

    /** The signature over a text, in Base64. */
    public String sign(SignedText text) {
        return Ed25519.sign(privateKey, text);
    }

    PrivateKey privateKey() {
        return privateKey;
    }

    @Override
    public String toString() {
        return "key of operator " + operator;
    }
}
