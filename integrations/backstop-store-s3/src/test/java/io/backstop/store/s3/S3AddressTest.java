package io.backstop.store.s3;

import io.backstop.snapshot.store.ObjectStore;
import io.backstop.snapshot.store.ObjectStores;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class S3AddressTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "s3://bucket",
                "s3://bucket/prefix",
                "s3://my.bucket-1/a/b/",
                "s3://bucket@http://localhost:9000",
                "s3://bucket/a/b@https://minio.example.org/path"
            })
    void opens_a_bucket_without_asking_anybody(String address) {
        try (ObjectStore store = ObjectStores.open(address)) {
            assertThat(store).isInstanceOf(S3ObjectStore.class);
            assertThat(store.address()).isEqualTo(address);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "s3:/bucket",
                "s3://",
                "s3://Bucket",
                "s3://bucket/../other",
                "s3://bucket/a//b",
                "s3://bucket@localhost:9000",
                "s3://bucket@http://",
                "s3://bucket@ftp://host"
            })
    void says_what_is_accepted_where_an_address_is_not(String address) {
        assertThatThrownBy(() -> ObjectStores.open(address))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageEndingWith(
                        "accepted are file:///path, s3://bucket[/prefix] and s3://bucket[/prefix]@http(s)://endpoint");
    }

    @ParameterizedTest
    @ValueSource(strings = {"s3://bucket@http://user:hunter2@host", "s3://user:hunter2@bucket/prefix"})
    void never_repeats_credentials(String address) {
        assertThatThrownBy(() -> ObjectStores.open(address))
                .isInstanceOf(IllegalArgumentException.class)
                .satisfies(e -> assertThat(String.valueOf(e)).doesNotContain("hunter2"));
    }
}
