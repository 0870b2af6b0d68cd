package io.backstop.snapshot.key;

import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;

/** AES-256-GCM under one key for one context, which every piece is bound to. Not thread-safe. */
final class AesGcm {
    static final int TAG = 16;
    static final int NONCE = 12;

    private final Cipher cipher;
    private final SecretKeySpec key;
    private final byte[] context;

    AesGcm(byte[] key, String context) {
        this.key = new SecretKeySpec(key, "AES");
        this.context = context.getBytes(StandardCharsets.UTF_8);
        try {
            this.cipher = Cipher.getInstance("AES/GCM/NoPadding");
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("this Java runtime has no AES-GCM", e);
        }
    }

    /** @param nonce never used before under this key */
    int encrypt(byte[] nonce, byte[] source, int offset, int length, byte[] target, int at) {
        try {
            return run(Cipher.ENCRYPT_MODE, nonce, source, offset, length, target, at);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("AES-GCM cannot be used", e);
        }
    }

    /** @throws AEADBadTagException where the piece, its nonce, its context or the key is another */
    int decrypt(byte[] nonce, byte[] source, int offset, int length, byte[] target, int at) throws AEADBadTagException {
        try {
            return run(Cipher.DECRYPT_MODE, nonce, source, offset, length, target, at);
        } catch (AEADBadTagException e) {
            throw e;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("AES-GCM cannot be used", e);
        }
    }

    private int run(int mode, byte[] nonce, byte[] source, int offset, int length, byte[] target, int at)
            throws GeneralSecurityException {
        cipher.init(mode, key, new GCMParameterSpec(8 * TAG, nonce));
        cipher.updateAAD(context);
        return cipher.doFinal(source, offset, length, target, at);
    }
}
