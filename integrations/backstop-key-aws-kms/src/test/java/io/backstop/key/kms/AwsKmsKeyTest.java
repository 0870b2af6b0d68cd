package io.backstop.key.kms;

import io.backstop.key.kms.AwsKmsKeyProvider.Patience;
import io.backstop.snapshot.key.KeyException;
import io.backstop.snapshot.key.KeyProvider;
import io.backstop.snapshot.key.KeyProviders;
import io.backstop.snapshot.key.KeyServiceServer;
import io.backstop.snapshot.key.ServiceKeyContract;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.time.Duration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class AwsKmsKeyTest extends ServiceKeyContract {
    private static final String ARN = "arn:aws:kms:eu-central-1:111122223333:key/";

    @BeforeAll
    static void credentials() {
        System.setProperty("aws.accessKeyId", "an-id");
        System.setProperty("aws.secretAccessKey", "a-secret");
    }

    @AfterAll
    static void noCredentials() {
        System.clearProperty("aws.accessKeyId");
        System.clearProperty("aws.secretAccessKey");
    }

    @Override
    protected KeyServiceServer server() throws IOException {
        return new KmsServer(ARN + "first", ARN + "second");
    }

    @Override
    protected KeyProvider open(KeyServiceServer at, String name, Duration attempt) throws IOException {
        return AwsKmsKeyProvider.open(
                "aws-kms://" + ARN + name + "@" + at.endpoint(), new Patience(attempt, attempt.multipliedBy(20)));
    }

    @Test
    void it_is_found_by_its_address() throws IOException {
        assertThat(KeyProviders.open("aws-kms://alias/snapshots").id()).startsWith("kms");
        assertThat(KeyProviders.open("aws-kms://1234abcd-12ab-34cd-56ef-1234567890ab")
                        .id())
                .startsWith("kms");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"aws-kms://", "aws-kms:///secret", "aws-kms://a b secret", "aws-kms://a@http://secret.example"})
    void another_address_is_refused_without_being_repeated(String address) {
        assertThatThrownBy(() -> KeyProviders.open(address))
                .isInstanceOf(KeyException.class)
                .hasMessageContaining("HINT: name it as ")
                .hasMessageNotContaining("secret");
    }
}
