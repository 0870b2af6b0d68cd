package io.backstop.key.kms;

import io.backstop.snapshot.key.KeyException;
import io.backstop.snapshot.key.ServiceKey;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.services.kms.KmsClient;
import software.amazon.awssdk.services.kms.model.DisabledException;
import software.amazon.awssdk.services.kms.model.IncorrectKeyException;
import software.amazon.awssdk.services.kms.model.InvalidCiphertextException;
import software.amazon.awssdk.services.kms.model.InvalidKeyUsageException;
import software.amazon.awssdk.services.kms.model.KmsException;
import software.amazon.awssdk.services.kms.model.KmsInvalidStateException;
import software.amazon.awssdk.services.kms.model.NotFoundException;

import java.io.IOException;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * A symmetric key in AWS KMS. What it wraps is bound to the snapshot by the encryption context, too, so that policies and
 * CloudTrail see what is asked for. The client is made at the first use, because to look for credentials and region may mean to
 * ask the network. Thread-safe.
 */
final class AwsKmsKey extends ServiceKey {
    /** The name under which the encryption context holds the snapshot's folder. */
    private static final String SNAPSHOT = "backstop-snapshot";

    private final String key;
    private final Supplier<KmsClient> opener;
    private @Nullable KmsClient client;

    AwsKmsKey(String key, Supplier<KmsClient> opener) {
        super("kms", key);
        this.key = key;
        this.opener = opener;
    }

    @Override
    protected byte[] encrypt(byte[] plaintext, String context) throws IOException {
        return ask(
                "encrypt",
                kms -> kms.encrypt(r -> r.keyId(key)
                                .plaintext(SdkBytes.fromByteArray(plaintext))
                                .encryptionContext(Map.of(SNAPSHOT, context)))
                        .ciphertextBlob());
    }

    @Override
    protected byte[] decrypt(byte[] ciphertext, String context) throws IOException {
        try {
            return ask(
                    "decrypt",
                    kms -> kms.decrypt(r -> r.keyId(key)
                                    .ciphertextBlob(SdkBytes.fromByteArray(ciphertext))
                                    .encryptionContext(Map.of(SNAPSHOT, context)))
                            .plaintext());
        } catch (IncorrectKeyException e) {
            throw refused(
                    "decrypt",
                    "another key encrypted it",
                    "if the address names an alias, that may stand for another key now: name the key by its ARN");
        } catch (InvalidCiphertextException e) {
            throw notItsOwn();
        }
    }

    private byte[] ask(String what, Function<KmsClient, SdkBytes> request) throws IOException {
        try {
            return request.apply(client()).asByteArray();
        } catch (InvalidCiphertextException | IncorrectKeyException e) {
            throw e;
        } catch (NotFoundException e) {
            throw refused(what, "there is no such key", "name the key by its ARN, and the region where it is");
        } catch (DisabledException | KmsInvalidStateException e) {
            throw refused(
                    what,
                    "the key is disabled, or is to be deleted",
                    "enable it, or cancel its deletion; until then nothing under it can be written or read");
        } catch (InvalidKeyUsageException e) {
            throw refused(what, "the key is not for that", "name a symmetric key for ENCRYPT_DECRYPT");
        } catch (KmsException e) {
            if (e.statusCode() == 400 && !e.isThrottlingException() && e.awsErrorDetails() != null) {
                String code = String.valueOf(e.awsErrorDetails().errorCode());
                throw refused(
                        what,
                        code,
                        code.equals("AccessDeniedException")
                                ? "allow this process's role kms:Encrypt and kms:Decrypt on the key"
                                : "see the error code in the documentation of AWS KMS");
            }
            throw unavailable(what, e);
        } catch (SdkException e) {
            throw unavailable(what, e);
        }
    }

    private KeyException refused(String what, String why, String hint) {
        return new KeyException("AWS KMS refuses to " + what + " a data key under the key " + key + ": " + why, hint);
    }

    /** The SDK's own message names the status, the request's id or what the network said; never what was sent. */
    private IOException unavailable(String what, SdkException e) {
        return new IOException(
                "AWS KMS could not be asked to " + what + " a data key under the key " + key + ": " + e.getMessage(),
                e);
    }

    private synchronized KmsClient client() {
        if (client == null) {
            client = opener.get();
        }
        return client;
    }
}
