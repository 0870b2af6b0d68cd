package io.backstop.snapshot.key;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Path;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class KeyProvidersTest {
    @TempDir
    private Path folder;

    @Test
    void a_key_file_is_named_by_its_path_or_by_a_url() throws IOException {
        Path file = folder.resolve("own key");
        String id = KeyFile.create(file).id();
        assertThat(KeyProviders.open(file.toString()).id()).isEqualTo(id);
        assertThat(KeyProviders.open(file.toUri().toString()).id()).isEqualTo(id);
    }

    @ParameterizedTest
    @CsvSource({
        "aws-kms://arn:aws:kms:eu-central-1:1:key/a, io.backstop:backstop-key-aws-kms",
        "vault://transit/a@https://user:secret@vault, io.backstop:backstop-key-vault"
    })
    void a_key_of_a_service_needs_its_module(String address, String module) {
        assertThatThrownBy(() -> KeyProviders.open(address))
                .isInstanceOf(KeyException.class)
                .hasMessageContaining("needs " + module + ", which is not on the class path")
                .hasMessageContaining("HINT: add " + module)
                .hasMessageNotContaining("secret");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"ftp://user:secret@x", "file://host/secret", "file:///no%zzsecret", "\0secret", "s3://secret"})
    void what_is_no_key_is_refused_without_being_repeated(String address) {
        assertThatThrownBy(() -> KeyProviders.open(address))
                .isInstanceOf(KeyException.class)
                .hasMessageContaining("HINT: ")
                .hasMessageNotContaining("secret");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "http://vault.example:8200",
                "http://localhost.example",
                "http://127.0.0.1@example",
                "https://user:secret@vault",
                "https://vault?token=secret",
                "https://vault#secret",
                "https:///secret",
                "ldap://localhost",
                "vault",
                "https://a b"
            })
    void an_endpoint_that_would_tell_keys_or_credentials_is_refused(String endpoint) {
        assertThatThrownBy(() -> KeyEndpoint.of(endpoint))
                .isInstanceOf(KeyException.class)
                .hasMessageContaining("HINT: name it as https://host:port")
                .hasMessageNotContaining("secret");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"https://vault.example:8200", "https://vault/ns", "http://127.0.0.1:8200", "http://[::1]:1"})
    void an_endpoint_that_is_encrypted_or_on_this_machine_is_taken(String endpoint) throws KeyException {
        assertThat(KeyEndpoint.of(endpoint)).hasToString(endpoint);
    }
}
