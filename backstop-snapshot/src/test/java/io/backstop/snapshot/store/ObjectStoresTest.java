package io.backstop.snapshot.store;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class ObjectStoresTest {
    @Test
    void opens_a_folder() {
        try (ObjectStore store = ObjectStores.open("file:///var/lib/a%20b")) {
            assertThat(store).isInstanceOf(FileObjectStore.class);
            assertThat(store.address()).isEqualTo("file:///var/lib/a%20b");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "/var/lib/backstop",
                "file://relative/path",
                "file:relative",
                "file:///a b",
                "file:///a?b=c",
                "gs://bucket",
                "http://host/bucket"
            })
    void says_what_is_accepted_where_an_address_is_not(String address) {
        assertThatThrownBy(() -> ObjectStores.open(address))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageEndingWith(
                        "accepted are file:///path, s3://bucket[/prefix] and s3://bucket[/prefix]@http(s)://endpoint");
    }

    @Test
    void a_folder_can_lock_nothing() {
        assertThatThrownBy(() -> ObjectStores.open("file:///folder?lock=governance:30d"))
                .isInstanceOf(StorageAddressException.class)
                .hasMessage("the storage address \"file:///folder?lock=governance:30d\" asks a folder for"
                        + " \"lock=governance:30d\", and a folder can lock nothing")
                .satisfies(e -> assertThat(((StorageAddressException) e).hint()).contains("or ask for no lock"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"https://user:hunter2@host/", "file://user:hunter2@host/path"})
    void never_repeats_credentials(String address) {
        assertThatThrownBy(() -> ObjectStores.open(address))
                .isInstanceOf(IllegalArgumentException.class)
                .satisfies(e -> assertThat(String.valueOf(e)).doesNotContain("hunter2"));
    }

    @Test
    void names_the_module_that_an_address_needs() {
        assertThatThrownBy(() -> ObjectStores.open("s3://bucket/prefix"))
                .isInstanceOfSatisfying(
                        StorageAddressException.class,
                        refused -> assertThat(refused.hint())
                                .isEqualTo("add io.backstop:backstop-store-s3 to the application"))
                .hasMessage("the storage address \"s3://bucket/prefix\" needs io.backstop:backstop-store-s3, "
                        + "which is not on the class path");
    }

    @Test
    void never_repeats_credentials_where_the_module_is_absent() {
        assertThatThrownBy(() -> ObjectStores.open("s3://bucket@http://user:hunter2@host"))
                .isInstanceOf(StorageAddressException.class)
                .hasMessageNotContaining("hunter2");
    }
}
