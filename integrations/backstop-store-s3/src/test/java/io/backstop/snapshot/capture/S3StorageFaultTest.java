package io.backstop.snapshot.capture;

import io.backstop.api.analysis.Destruction.Kind;
import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.snapshot.Connections;
import io.backstop.api.snapshot.Progress;
import io.backstop.api.snapshot.SecuredRows;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.api.snapshot.SnapshotSettings;
import io.backstop.api.snapshot.Verification;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.store.ContentHash;
import io.backstop.snapshot.store.ObjectStore;
import io.backstop.snapshot.store.ObjectStores;
import io.backstop.store.s3.FaultyProxy;
import io.backstop.store.s3.FaultyProxy.Fault;
import io.backstop.store.s3.FaultyProxy.Request;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.S3Extension;
import io.backstop.testing.S3Server;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.nio.ByteBuffer;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Function;

import static io.backstop.snapshot.capture.Securing.plain;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Whatever happens between Backstop and S3, at whichever request: refused with nothing changed, or secured and whole. */
@ExtendWith({PostgresExtension.class, S3Extension.class})
class S3StorageFaultTest {
    private static final int CHUNK_BYTES = 32 << 10;

    private TestDatabase database;
    private S3Server server;

    @BeforeEach
    void tables(TestDatabase database, S3Server server) throws SQLException {
        this.database = database;
        this.server = server;
        database.run(
                "DROP TABLE IF EXISTS a",
                "CREATE TABLE a (id integer, t text)",
                "INSERT INTO a SELECT i, (SELECT string_agg(md5(i::text || j), '') FROM generate_series(1, 32) j) "
                        + "FROM generate_series(1, 300) i");
    }

    private static PostgresSnapshotService service(ObjectStore store, Verification verification) {
        return new PostgresSnapshotService(
                store,
                new SnapshotSettings(
                        store.address(), SnapshotSettings.DEFAULT_LOCK_TIMEOUT, verification, Clock.systemUTC()),
                CHUNK_BYTES);
    }

    private SecuredRows secure(Connection connection, ObjectStore store, Verification verification)
            throws RecoveryNotReadyException {
        return service(store, verification)
                .secure(
                        connection,
                        Connections.NONE,
                        Securing.request(List.of(plain(Kind.TRUNCATE, "a")), List.of(), Long.MAX_VALUE),
                        Progress.SILENT);
    }

    @ParameterizedTest
    @EnumSource(
            value = Fault.class,
            names = {"LOSE_ANSWER", "CUT_ANSWER", "HANG"})
    void a_fault_that_passes_is_overcome_whichever_request_it_befalls(Fault fault) throws Exception {
        int requests = requests(Verification.FULL_READ).size();
        assertThat(requests).isGreaterThanOrEqualTo(10);
        for (int faulty = 1; faulty <= requests; faulty++) {
            assertThat(securesWith(fault, faulty)).as("request %s", faulty).isTrue();
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Fault.class,
            names = {"DENIED", "DAMAGE"})
    void a_fault_that_stays_refuses_the_statement_whichever_request_it_befalls(Fault fault) throws Exception {
        List<Request> requests = requests(Verification.FULL_READ);
        for (Request request : requests) {
            boolean harmless = fault == Fault.DAMAGE && !request.method().equals("PUT");
            assertThat(securesWith(fault, request.number())).as("%s", request).isEqualTo(harmless);
        }
    }

    /** Whether the rows were secured. Either way nothing is half-done and the session is as it was. */
    private boolean securesWith(Fault fault, int faulty) throws Exception {
        String bucket = server.newBucket();
        try (FaultyProxy proxy = new FaultyProxy(server.endpoint(), r -> r.number() == faulty ? fault : Fault.NONE);
                ObjectStore store = proxy.open(bucket);
                ObjectStore direct = ObjectStores.open(server.storage(bucket));
                Connection connection = Securing.begin(database)) {
            boolean secured = true;
            try {
                secure(connection, store, Verification.FULL_READ);
            } catch (RecoveryNotReadyException e) {
                assertThat(e.getMessage()).contains("the rows could not be stored in " + store.address() + ": ");
                secured = false;
            }
            SnapshotArchive archive = new SnapshotArchive(direct);
            assertThat(archive.list()).hasSize(secured ? 1 : 0);
            for (SnapshotManifest manifest : archive.list()) {
                archive.verify(manifest);
            }
            if (!secured) {
                assertThat(direct.list("")).isEmpty();
            }
            assertThat(Securing.value(connection, "SELECT count(*) FROM a")).isEqualTo("300");
            return secured;
        }
    }

    @Test
    void a_manifest_that_may_yet_appear_keeps_its_objects() throws Exception {
        String bucket = server.newBucket();
        // Nothing is heard any more of the manifest, which the server stores all the same.
        Function<Request, Fault> silence =
                request -> request.target().endsWith("/manifest.json") ? Fault.LOSE_ANSWER : Fault.NONE;
        try (FaultyProxy proxy = new FaultyProxy(server.endpoint(), silence);
                ObjectStore store = proxy.open(bucket);
                ObjectStore direct = ObjectStores.open(server.storage(bucket));
                Connection connection = Securing.begin(database)) {
            assertThatThrownBy(() -> secure(connection, store, Verification.FULL_READ))
                    .isInstanceOf(RecoveryNotReadyException.class);
            SnapshotArchive archive = new SnapshotArchive(direct);
            for (SnapshotManifest manifest : archive.list()) {
                archive.verify(manifest);
            }
            assertThat(direct.list("")).as("its chunks").anyMatch(name -> name.contains("/data-"));
            assertThat(Securing.value(connection, "SELECT count(*) FROM a")).isEqualTo("300");
        }
    }

    @Test
    void the_servers_checksums_stand_for_reading_everything_back() throws Exception {
        List<Request> full = requests(Verification.FULL_READ);
        List<Request> checksums = requests(Verification.STORE_CHECKSUM);
        assertThat(full).extracting(Request::method).doesNotContain("HEAD");
        assertThat(checksums)
                .filteredOn(request -> request.method().equals("GET"))
                .singleElement()
                .satisfies(request -> assertThat(request.target()).endsWith("/manifest.json"));
        assertThat(checksums)
                .filteredOn(request -> request.method().equals("HEAD"))
                .hasSameSizeAs(full.stream()
                        .filter(request -> request.method().equals("GET"))
                        .skip(1)
                        .toList());
    }

    @Test
    void a_servers_checksum_that_is_another_one_refuses_the_statement() throws Exception {
        String another = ContentHash.of(ByteBuffer.wrap(new byte[] {1})).base64();
        Function<Request, Fault> lie = request -> {
            request.sha256().append(another);
            return request.method().equals("HEAD") && request.target().contains("/data-00000")
                    ? Fault.TELL_CHECKSUM
                    : Fault.NONE;
        };
        try (FaultyProxy proxy = new FaultyProxy(server.endpoint(), lie);
                ObjectStore store = proxy.open(server.newBucket());
                Connection connection = Securing.begin(database)) {
            assertThatThrownBy(() -> secure(connection, store, Verification.STORE_CHECKSUM))
                    .isInstanceOf(RecoveryNotReadyException.class)
                    .hasMessageMatching(
                            "(?s)the rows could not be stored in .*: the object data-00000\\.\\S+ of snap_\\w+ "
                                    + "does not match its SHA-256; nothing was changed.*");
            assertThat(store.list("")).isEmpty();
        }
    }

    private List<Request> requests(Verification verification) throws Exception {
        List<Request> requests = Collections.synchronizedList(new ArrayList<>());
        Function<Request, Fault> remember = request -> {
            requests.add(request);
            return Fault.NONE;
        };
        try (FaultyProxy proxy = new FaultyProxy(server.endpoint(), remember);
                ObjectStore store = proxy.open(server.newBucket());
                Connection connection = Securing.begin(database)) {
            secure(connection, store, verification);
        }
        return requests;
    }
}
