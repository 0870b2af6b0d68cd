package io.backstop.store.s3;

import io.backstop.snapshot.store.ContentHash;
import io.backstop.snapshot.store.LockedObjectException;
import io.backstop.snapshot.store.ObjectLock;
import io.backstop.snapshot.store.ObjectStore;
import io.backstop.snapshot.store.ObjectStores;
import io.backstop.snapshot.store.StorageAddressException;
import io.backstop.snapshot.store.StorageProbe;
import io.backstop.snapshot.store.StorageProbe.Action;
import io.backstop.snapshot.store.StorageProtection;
import io.backstop.snapshot.store.StorageProtection.Answer;
import io.backstop.testing.S3Extension;
import io.backstop.testing.S3Server;
import io.backstop.testing.VersionedS3Server;
import io.backstop.testing.VersionedS3Server.Request;
import io.backstop.testing.VersionedS3Server.Trait;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

import static io.backstop.snapshot.store.ObjectStoreContract.bytes;
import static io.backstop.snapshot.store.ObjectStoreContract.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

/** What is sent to a bucket with Object Lock or versions, and what becomes of its refusals. */
@ExtendWith(S3Extension.class)
class S3LockTest {
    private static final String MODE = "x-amz-object-lock-mode";
    private static final String UNTIL = "x-amz-object-lock-retain-until-date";

    private final List<AutoCloseable> open = new ArrayList<>();

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable one : open) {
            one.close();
        }
    }

    private VersionedS3Server server(Trait... traits) throws IOException {
        VersionedS3Server server = VersionedS3Server.start(traits);
        open.add(server);
        return server;
    }

    private ObjectStore store(String address) {
        ObjectStore store = ObjectStores.open(address);
        open.add(store);
        return store;
    }

    private static void keep(ObjectStore store, String name, String content) throws IOException {
        ByteBuffer bytes = bytes(content);
        store.keep(name, bytes, ContentHash.of(bytes));
    }

    private static List<Request> of(VersionedS3Server server, String method, String key) {
        return server.requests().stream()
                .filter(request ->
                        request.method().equals(method) && request.key().equals(key))
                .toList();
    }

    private static Instant inDays(int days) {
        return Instant.now().plus(Duration.ofDays(days));
    }

    @ParameterizedTest
    @ValueSource(strings = {"governance", "compliance"})
    void locks_what_is_to_last_and_nothing_else(String mode) throws IOException {
        VersionedS3Server server = server(Trait.VERSIONS, Trait.LOCKS);
        ObjectStore store = store(server.storage() + "?lock=" + mode + ":30d");
        keep(store, "a", "rows");
        store.putNew("mark", bytes("m"));
        store.put("used", bytes("u"));
        Request kept = of(server, "PUT", "a").get(0);
        assertThat(kept.header(MODE)).contains(mode.toUpperCase(Locale.ROOT));
        assertThat(Instant.parse(kept.header(UNTIL).orElseThrow()))
                .isCloseTo(inDays(30), within(Duration.ofMinutes(5)));
        assertThat(kept.header("x-amz-checksum-sha256"))
                .contains(ContentHash.of(bytes("rows")).base64());
        for (String name : List.of("mark", "used")) {
            assertThat(of(server, "PUT", name))
                    .isNotEmpty()
                    .allSatisfy(put -> assertThat(put.header(MODE)).isEmpty());
            assertThat(server.lockedUntil(name)).isEmpty();
        }
        assertThat(server.requests())
                .allSatisfy(request -> assertThat(request.header("x-amz-bypass-governance-retention"))
                        .isEmpty());
    }

    @Test
    void every_put_brings_the_checksum_that_a_bucket_demands_which_locks_by_itself() throws IOException {
        VersionedS3Server server = server(Trait.VERSIONS, Trait.LOCKS, Trait.LOCKS_BY_DEFAULT);
        ObjectStore store = store(server.storage());
        keep(store, "a", "rows");
        store.putNew("b", bytes("mark"));
        store.put("c", bytes("used"));
        store.put("c", bytes("used again"));
        assertThat(server.keys()).containsExactly("a", "b", "c");
        assertThat(text(store, "c")).isEqualTo("used again");
        assertThatThrownBy(() -> store.delete("a"))
                .isInstanceOf(LockedObjectException.class)
                .hasMessageContaining("\"a\" in " + store.address() + " is locked until ");
    }

    @Test
    void a_lock_is_tried_once_for_all_and_its_object_serves_until_the_lock_ends() throws IOException {
        VersionedS3Server server = server(Trait.VERSIONS, Trait.LOCKS);
        for (int i = 0; i < 3; i++) {
            ObjectStore store = store(server.storage() + "?lock=governance:30d");
            StorageProbe.requireUsable(store);
            keep(store, "a" + i, "rows");
            keep(store, "b" + i, "rows");
        }
        assertThat(of(server, "PUT", S3Lock.TRIAL)).hasSize(1);
        assertThat(of(server, "DELETE", S3Lock.TRIAL)).as("once for each store").hasSize(3);
        assertThat(server.stored())
                .filteredOn(name -> name.startsWith("probe/"))
                .containsExactly(S3Lock.TRIAL);
        server.endLocks();
        StorageProbe.requireUsable(store(server.storage() + "?lock=governance:30d"));
        assertThat(server.stored())
                .filteredOn(name -> name.startsWith("probe/"))
                .containsExactly(S3Lock.TRIAL);
        assertThat(server.lockedUntil(S3Lock.TRIAL).orElseThrow()).isCloseTo(inDays(30), within(Duration.ofMinutes(5)));
        StorageProbe.requireUsable(store(server.storage() + "?lock=compliance:40d"));
        assertThat(server.lockedUntil(S3Lock.TRIAL).orElseThrow()).isCloseTo(inDays(40), within(Duration.ofMinutes(5)));
    }

    @Test
    void nothing_is_stored_where_the_lock_that_is_asked_for_is_not_there() throws IOException {
        VersionedS3Server none = server(Trait.KNOWS_NO_LOCKS);
        refuses(none, "is asked for, but this server has none");
        VersionedS3Server without = server(Trait.VERSIONS);
        refuses(without, "is asked for, but the bucket has no Object Lock");
        for (VersionedS3Server server : List.of(none, without)) {
            assertThat(server.stored()).isEmpty();
            ObjectStore store = store(server.storage());
            StorageProbe.requireUsable(store);
            keep(store, "a", "rows");
            assertThat(server.stored()).as("without a lock nothing changes").containsExactly("a");
        }
    }

    @Test
    void a_server_that_forgets_a_lock_or_does_not_tell_of_it_is_found_out() throws IOException {
        refuses(
                server(Trait.VERSIONS, Trait.LOCKS, Trait.FORGETS_LOCKS),
                "the server does not say that it is locked: it ignores locks, or s3:GetObjectRetention is not allowed");
        refuses(server(Trait.VERSIONS, Trait.LOCKS, Trait.HIDES_LOCKS), "s3:GetObjectRetention is not allowed");
    }

    /** The trial was locked as it should be. */
    @Test
    void a_server_that_forgets_the_lock_of_a_later_object_is_found_out() throws IOException {
        VersionedS3Server server = server(Trait.VERSIONS, Trait.LOCKS);
        ObjectStore store = store(server.storage() + "?lock=governance:1d");
        keep(store, "a", "rows");
        store.requireLocked(List.of("a"));
        server.set(Trait.FORGETS_LOCKS, true);
        keep(store, "b", "rows");
        assertThatThrownBy(() -> store.requireLocked(List.of("a", "b")))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("asked for with \"b\", and the server does not say that it is locked");
    }

    @Test
    void a_server_that_removes_what_is_locked_is_found_out() throws IOException {
        refuses(
                server(Trait.VERSIONS, Trait.LOCKS, Trait.REMOVES_LOCKED),
                "does not hold: the server removed \"probe/locked\" although it was locked");
    }

    @Test
    void s3proxy_has_no_locks(S3Server proxy) throws IOException {
        String address = proxy.storage(proxy.newBucket());
        ObjectStore locking = store(address + "?lock=governance:30d");
        assertThatThrownBy(() -> keep(locking, "a", "rows"))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("the lock (governance, 30 days) of " + address + " is asked for, but");
        ObjectStore store = store(address);
        StorageProbe.requireUsable(store);
        assertThat(store.list("")).isEmpty();
        assertThat(store.lock(List.of("a"))).isEmpty();
        assertThat(store.protection().orElseThrow().versions()).isEqualTo(Answer.NO);
        assertThat(store.protection().orElseThrow().lock()).isEqualTo(Answer.NO);
    }

    private void refuses(VersionedS3Server server, String reason) {
        ObjectStore store = store(server.storage() + "?lock=governance:30d");
        for (int i = 0; i < 2; i++) {
            assertThatThrownBy(() -> StorageProbe.requireUsable(store))
                    .isInstanceOf(IOException.class)
                    .hasMessageStartingWith("the lock (governance, 30 days) of " + server.storage() + " ")
                    .hasMessageContaining(reason);
            assertThatThrownBy(() -> keep(store, "refused", "rows"))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining(reason);
        }
        assertThat(server.keys()).doesNotContain("refused");
    }

    @Test
    void what_is_removed_leaves_no_version_behind() throws IOException {
        VersionedS3Server server = server(Trait.VERSIONS);
        ObjectStore store = store(server.storage());
        store.put("a", bytes("one"));
        store.put("a", bytes("two"));
        store.put("ab", bytes("another"));
        server.set(Trait.VERSIONS, true);
        store.delete("a");
        assertThat(server.stored()).containsExactly("ab");
        store.delete("a");
        assertThat(server.stored()).as("no marker for what is not there").containsExactly("ab");
        store.putNew("a", bytes("three"));
        assertThat(text(store, "a")).isEqualTo("three");
    }

    @Test
    void who_may_not_remove_versions_does_not_hide_the_object_either() throws IOException {
        VersionedS3Server server = server(Trait.VERSIONS, Trait.DENIES_VERSIONS);
        ObjectStore store = store(server.storage());
        store.put("a", bytes("one"));
        assertThatThrownBy(() -> store.delete("a"))
                .isInstanceOf(IOException.class)
                .isNotInstanceOf(LockedObjectException.class)
                .hasMessageContaining("keeps versions: s3:ListBucketVersions is not allowed");
        assertThat(text(store, "a")).isEqualTo("one");
    }

    @Test
    void who_is_not_told_of_a_lock_does_not_hide_the_object_either() throws IOException {
        VersionedS3Server server = server(Trait.VERSIONS, Trait.LOCKS, Trait.HIDES_LOCKS);
        ObjectStore store = store(server.storage());
        store.put("a", bytes("one"));
        server.lock("a", Duration.ofDays(1));
        assertThat(store.lock(List.of("a"))).isEmpty();
        assertThatThrownBy(() -> store.delete("a"))
                .isInstanceOf(IOException.class)
                .isNotInstanceOf(LockedObjectException.class)
                .hasMessageEndingWith(
                        "s3:DeleteObjectVersion is not allowed, or it is locked, which s3:GetObjectRetention would tell");
        assertThat(text(store, "a")).isEqualTo("one");
    }

    @Test
    void who_may_not_list_can_store_with_a_lock_and_without() throws IOException {
        VersionedS3Server server = server(Trait.HIDES_MISSING);
        StorageProbe.requireUsable(store(server.storage()));
        assertThat(server.stored()).isEmpty();
        server.set(Trait.VERSIONS, true);
        server.set(Trait.LOCKS, true);
        ObjectStore store = store(server.storage() + "?lock=governance:1d");
        StorageProbe.requireUsable(store);
        keep(store, "a", "rows");
        assertThat(server.lockedUntil("a")).isPresent();
        server.set(Trait.REMOVES_LOCKED, true);
        refuses(server, "does not hold");
    }

    @Test
    void a_locked_older_version_keeps_the_whole_object() throws IOException {
        VersionedS3Server server = server(Trait.VERSIONS, Trait.LOCKS);
        ObjectStore store = store(server.storage());
        store.put("a", bytes("one"));
        server.lock("a", Duration.ofDays(1));
        store.put("a", bytes("written over"));
        assertThatThrownBy(() -> store.delete("a")).isInstanceOf(LockedObjectException.class);
        assertThat(server.stored()).containsExactly("a", "a");
        assertThat(text(store, "a")).isEqualTo("written over");
        server.endLocks();
        store.delete("a");
        assertThat(server.stored()).isEmpty();
    }

    @Test
    void of_several_locks_the_longest_is_told() throws IOException {
        VersionedS3Server server = server(Trait.VERSIONS, Trait.LOCKS);
        ObjectStore store = store(server.storage());
        for (String name : List.of("a", "b", "c")) {
            store.put(name, bytes(name));
        }
        server.lock("a", Duration.ofDays(2));
        server.lock("b", Duration.ofDays(3));
        Optional<ObjectLock> lock = store.lock(List.of("a", "b", "c", "missing"));
        assertThat(lock).contains(new ObjectLock("b", server.lockedUntil("b")));
        assertThat(store.lock(List.of("c"))).isEmpty();
        server.endLocks();
        assertThat(store.lock(List.of("a", "b", "c"))).isEmpty();
    }

    @Test
    void a_bucket_that_locks_by_itself_is_not_filled_by_starts() throws IOException {
        VersionedS3Server server = server(Trait.VERSIONS, Trait.LOCKS, Trait.LOCKS_BY_DEFAULT);
        for (int i = 0; i < 5; i++) {
            StorageProbe.requireUsable(store(server.storage()));
        }
        assertThat(server.stored()).hasSize(2).allMatch(name -> name.startsWith("probe/"));
        server.endLocks();
        StorageProbe.requireUsable(store(server.storage()));
        assertThat(server.stored()).as("the next one takes the place").hasSize(3);
        assertThat(StorageProbe.run(store(server.storage())))
                .filteredOn(step -> step.problem().isPresent())
                .singleElement()
                .satisfies(step -> {
                    assertThat(step.action()).isEqualTo(Action.DELETE);
                    assertThat(step.problem().orElseThrow()).isInstanceOf(LockedObjectException.class);
                });
    }

    @Test
    void a_server_that_ignores_conditions_is_found_out_by_the_start() throws IOException {
        VersionedS3Server server = server(Trait.IGNORES_CONDITIONS);
        assertThatThrownBy(() -> StorageProbe.requireUsable(store(server.storage())))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("ignores If-None-Match");
        server.set(Trait.VERSIONS, true);
        server.set(Trait.LOCKS, true);
        assertThatThrownBy(() -> StorageProbe.requireUsable(store(server.storage() + "?lock=governance:1d")))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("ignores If-None-Match");
    }

    @Test
    void tells_what_the_bucket_says_of_itself() throws IOException {
        assertThat(store(server().storage()).protection())
                .contains(new StorageProtection(Answer.NO, Answer.NO, Optional.empty(), Optional.empty()));
        assertThat(store(server(Trait.VERSIONS, Trait.LOCKS, Trait.LOCKS_BY_DEFAULT)
                                        .storage() + "?lock=compliance:1d")
                        .protection())
                .contains(new StorageProtection(
                        Answer.YES, Answer.YES, Optional.of("governance, 1 day"), Optional.of("compliance, 1 day")));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "?",
                "?lock",
                "?lock=governance",
                "?lock=governance:30",
                "?lock=governance:0d",
                "?lock=GOVERNANCE:30d",
                "?lock=governance:36501d",
                "?lock=none",
                "?lock=governance:1d&lock=governance:2d",
                "?x=y"
            })
    void says_how_a_lock_is_written(String asked) {
        for (String place : List.of("s3://bucket/prefix", "s3://bucket@https://host")) {
            assertThatThrownBy(() -> ObjectStores.open(place + asked))
                    .isInstanceOf(StorageAddressException.class)
                    .satisfies(e ->
                            assertThat(((StorageAddressException) e).hint()).contains("?lock=governance:30d"));
        }
    }

    @Test
    void the_address_of_a_place_does_not_name_its_lock() {
        assertThat(store("s3://bucket/prefix?lock=governance:30d").address()).isEqualTo("s3://bucket/prefix");
        assertThat(store("s3://bucket@http://host:9000/x?lock=compliance:1d").address())
                .isEqualTo("s3://bucket@http://host:9000/x");
    }
}
