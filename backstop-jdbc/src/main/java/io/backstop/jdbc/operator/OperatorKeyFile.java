package io.backstop.jdbc.operator;

import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.json.JsonMapper;

import javax.crypto.Cipher;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.PBEKeySpec;
import javax.crypto.spec.SecretKeySpec;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.SecureRandom;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.Set;

/**
 * The file of an operator's private key: PKCS#8, encrypted by AES-256-GCM under a passphrase through PBKDF2 with
 * HMAC-SHA-256. Name and public key stand beside it and are authenticated with it. Stateless, thread-safe.
 */
public final class OperatorKeyFile {
    /** The shortest passphrase for a new key. */
    public static final int MIN_PASSPHRASE_LENGTH = 8;

    private static final String FORMAT = "backstop operator key 1";
    /** OWASP, Password Storage Cheat Sheet, 2023. */
    private static final int ITERATIONS = 600_000;

    private static final int MAX_ITERATIONS = 20_000_000;
    private static final int SALT_BYTES = 16;
    private static final int NONCE_BYTES = 12;
    private static final int KEY_BITS = 256;
    private static final int TAG_BITS = 128;

    private static final JsonMapper JSON = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .build();

    private OperatorKeyFile() {}

    /**
     * Writes a new file that only its owner can read.
     *
     * @throws OperatorException where the file exists, or cannot be written, or the passphrase is too short
     */
    public static void write(Path file, OperatorKey key, char[] passphrase) throws OperatorException {
        if (passphrase.length < MIN_PASSPHRASE_LENGTH) {
            throw new OperatorException(
                    "the passphrase is shorter than " + MIN_PASSPHRASE_LENGTH + " characters", "choose a longer one");
        }
        SecureRandom random = new SecureRandom();
        byte[] salt = new byte[SALT_BYTES];
        byte[] nonce = new byte[NONCE_BYTES];
        random.nextBytes(salt);
        random.nextBytes(nonce);
        Base64.Encoder base64 = Base64.getEncoder();
        try {
            Stored open = new Stored(
                    FORMAT,
                    key.operator(),
                    key.publicKey(),
                    ITERATIONS,
                    base64.encodeToString(salt),
                    base64.encodeToString(nonce),
                    "");
            byte[] encrypted = cipher(Cipher.ENCRYPT_MODE, open, passphrase)
                    .doFinal(key.privateKey().getEncoded());
            create(file, JSON.writeValueAsString(open.holding(base64.encodeToString(encrypted))) + "\n");
        } catch (FileAlreadyExistsException e) {
            throw new OperatorException("the key file exists already: " + file, "name another file", e);
        } catch (IOException e) {
            throw new OperatorException(
                    "the key file cannot be written: " + file, "name a file in a folder that you can write", e);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every JDK has AES-GCM and PBKDF2", e);
        }
    }

    private static void create(Path file, String text) throws IOException {
        FileAttribute<?>[] ownerOnly =
                file.getFileSystem().supportedFileAttributeViews().contains("posix")
                        ? new FileAttribute<?>[] {
                            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"))
                        }
                        : new FileAttribute<?>[0];
        try (var channel = Files.newByteChannel(
                file, Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE), ownerOnly)) {
            channel.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
        }
    }

    /** @throws OperatorException where the file is none of a key, or the passphrase is not its */
    public static OperatorKey read(Path file, char[] passphrase) throws OperatorException {
        try {
            Stored stored = JSON.readValue(Files.readString(file), Stored.class);
            if (!FORMAT.equals(stored.format()) || stored.iterations() < 1 || stored.iterations() > MAX_ITERATIONS) {
                throw unusable(file, null);
            }
            byte[] pkcs8 = cipher(Cipher.DECRYPT_MODE, stored, passphrase)
                    .doFinal(Base64.getDecoder().decode(stored.encryptedPrivateKey()));
            return new OperatorKey(
                    stored.operator(),
                    KeyFactory.getInstance(Ed25519.NAME).generatePrivate(new PKCS8EncodedKeySpec(pkcs8)),
                    stored.publicKey());
        } catch (IOException e) {
            throw new OperatorException("the key file cannot be read: " + file, "name a key file that you may read", e);
        } catch (GeneralSecurityException e) {
            throw new OperatorException(
                    "the key file " + file + " cannot be opened with this passphrase",
                    "try again; a forgotten passphrase cannot be found out, only replaced with the key",
                    e);
        } catch (JacksonException | IllegalArgumentException | NullPointerException e) {
            throw unusable(file, e);
        }
    }

    private static OperatorException unusable(Path file, @Nullable Throwable cause) {
        String problem = "this is no key file of an operator: " + file;
        String hint = "`backstop operators add` makes one";
        return cause == null ? new OperatorException(problem, hint) : new OperatorException(problem, hint, cause);
    }

    private static Cipher cipher(int mode, Stored stored, char[] passphrase) throws GeneralSecurityException {
        Base64.Decoder base64 = Base64.getDecoder();
        PBEKeySpec derivation = new PBEKeySpec(passphrase, base64.decode(stored.salt()), stored.iterations(), KEY_BITS);
        try {
            byte[] key = SecretKeyFactory.getInstance("PBKDF2WithHmacSHA256")
                    .generateSecret(derivation)
                    .getEncoded();
            Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
            cipher.init(
                    mode, new SecretKeySpec(key, "AES"), new GCMParameterSpec(TAG_BITS, base64.decode(stored.nonce())));
            cipher.updateAAD(new SignedText(FORMAT)
                    .add(stored.operator())
                    .add(stored.publicKey())
                    .bytes());
            return cipher;
        } finally {
            derivation.clearPassword();
        }
    }

    /** What the file holds. */
    private record Stored(
            String format,
            String operator,
            String publicKey,
            int iterations,
            String salt,
            String nonce,
            String encryptedPrivateKey) {
        Stored holding(String encrypted) {
            return new Stored(format, operator, publicKey, iterations, salt, nonce, encrypted);
        }
    }
}
