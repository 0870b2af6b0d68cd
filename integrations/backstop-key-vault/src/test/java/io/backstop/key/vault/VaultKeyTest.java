package io.backstop.key.vault;

import io.backstop.key.vault.VaultKeyProvider.Patience;
import io.backstop.snapshot.key.KeyException;
import io.backstop.snapshot.key.KeyProvider;
import io.backstop.snapshot.key.KeyProviders;
import io.backstop.snapshot.key.KeyServiceServer;
import io.backstop.snapshot.key.ServiceKeyContract;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class VaultKeyTest extends ServiceKeyContract {
    private static final Duration ATTEMPT = Duration.ofSeconds(2);
    private static final Map<String, String> TOKEN = Map.of("VAULT_TOKEN", VaultServer.TOKEN);
    private static final byte[] DATA_KEY = new byte[32];

    @TempDir
    private Path folder;

    @Override
    protected KeyServiceServer server() throws IOException {
        return new VaultServer("first", "second");
    }

    @Override
    protected KeyProvider open(KeyServiceServer at, String name, Duration attempt) throws IOException {
        return open("vault://teams/transit/" + name + "@" + at.endpoint(), TOKEN, attempt);
    }

    private KeyProvider open(String address, Map<String, String> environment) throws IOException {
        return open(address, environment, ATTEMPT);
    }

    private KeyProvider open(String address, Map<String, String> environment, Duration attempt) throws IOException {
        Patience patience = new Patience(attempt, Duration.ofMillis(1), 3);
        return VaultKeyProvider.open(address, environment, folder.resolve("token"), patience);
    }

    @Test
    void the_token_is_read_anew_at_each_request_where_a_file_holds_it() throws IOException {
        try (VaultServer server = new VaultServer("first")) {
            KeyProvider key = open("vault://teams/transit/first", Map.of("VAULT_ADDR", server.endpoint()));
            assertThatThrownBy(() -> key.wrap(DATA_KEY, "here"))
                    .isInstanceOf(KeyException.class)
                    .hasMessageContaining("there is no token for Vault");
            Files.writeString(folder.resolve("token"), "old");
            assertThatThrownBy(() -> key.wrap(DATA_KEY, "here"))
                    .isInstanceOf(KeyException.class)
                    .hasMessageContaining("the token does not allow it, or has expired");
            Files.writeString(folder.resolve("token"), VaultServer.TOKEN + "\n");
            assertThat(key.unwrap(key.wrap(DATA_KEY, "here"), "here")).isEqualTo(DATA_KEY);
            Files.writeString(folder.resolve("token"), "two\nlines secret");
            assertThatThrownBy(() -> key.wrap(DATA_KEY, "here"))
                    .isInstanceOf(KeyException.class)
                    .hasMessageContaining("the token for Vault is not one")
                    .hasMessageNotContaining("secret");
        }
    }

    @Test
    void another_mount_is_named() throws IOException {
        try (VaultServer server = new VaultServer("first")) {
            KeyProvider key = open("vault://transit/first@" + server.endpoint(), TOKEN);
            assertThatThrownBy(() -> key.wrap(DATA_KEY, "here"))
                    .isInstanceOf(KeyException.class)
                    .hasMessageContaining("there is no transit engine at transit/");
        }
    }

    @Test
    void it_is_found_by_its_address() throws IOException {
        assertThat(KeyProviders.open("vault://transit/snapshots@https://vault.example:8200")
                        .id())
                .startsWith("vault");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "vault://secret",
                "vault:///secret",
                "vault://transit/secret/",
                "vault://transit/../secret@https://x",
                "vault://transit/a@http://secret.example",
                "vault://transit/a b@https://secret"
            })
    void another_address_is_refused_without_being_repeated(String address) {
        assertThatThrownBy(() -> open(address, Map.of()))
                .isInstanceOf(KeyException.class)
                .hasMessageContaining("HINT: ")
                .hasMessageNotContaining("secret");
    }

    @Test
    void an_address_without_a_server_asks_for_one() {
        assertThatThrownBy(() -> open("vault://transit/a", Map.of()))
                .isInstanceOf(KeyException.class)
                .hasMessageContaining("names no server")
                .hasMessageContaining("VAULT_ADDR");
    }
}
