package io.backstop.key.vault;

import io.backstop.snapshot.key.ServiceKey;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;

/**
 * A key of Vault's transit engine, with all of its versions: what an older one has wrapped is unwrapped after a rotation in
 * Vault, too. Thread-safe.
 */
final class VaultKey extends ServiceKey {
    private final TransitEngine engine;

    /** @param name the mount and the key's name */
    VaultKey(String name, TransitEngine engine) {
        super("vault", name);
        this.engine = engine;
    }

    @Override
    protected byte[] encrypt(byte[] plaintext, String context) throws IOException {
        String ciphertext = engine.ask(
                        "encrypt", "plaintext", Base64.getEncoder().encodeToString(plaintext))
                .orElseThrow(this::notItsOwn);
        return ciphertext.getBytes(StandardCharsets.UTF_8);
    }

    @Override
    protected byte[] decrypt(byte[] ciphertext, String context) throws IOException {
        String plaintext = engine.ask("decrypt", "ciphertext", new String(ciphertext, StandardCharsets.UTF_8))
                .orElseThrow(this::notItsOwn);
        try {
            return Base64.getDecoder().decode(plaintext);
        } catch (IllegalArgumentException e) {
            throw notItsOwn();
        }
    }
}
