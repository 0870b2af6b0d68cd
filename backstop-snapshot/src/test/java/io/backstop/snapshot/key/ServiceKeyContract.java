package io.backstop.snapshot.key;

import io.backstop.snapshot.key.KeyServiceServer.Fault;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.io.IOException;
import java.time.Duration;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Random;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

/** What every key of a service does in the same way. */
public abstract class ServiceKeyContract {
    private static final String CONTEXT = "snapshots/public.users/snap_1/";

    private final byte[] dataKey = new byte[32];
    private KeyServiceServer server;
    private KeyProvider key;

    /** A new one, with the keys {@code first} and {@code second}. */
    protected abstract KeyServiceServer server() throws IOException;

    /** Opens one of them, and waits so long for one answer; for all attempts at a request 20 times as long would do. */
    protected abstract KeyProvider open(KeyServiceServer at, String name, Duration attempt) throws IOException;

    /** One that gets its answers on a busy machine, too. */
    private KeyProvider open(KeyServiceServer at, String name) throws IOException {
        return open(at, name, Duration.ofSeconds(2));
    }

    @BeforeEach
    void openFirst() throws IOException {
        new Random(11).nextBytes(dataKey);
        server = server();
        key = open(server, "first");
    }

    @AfterEach
    void close() {
        server.close();
    }

    /** What comes of it, which must not tell the data key. */
    private Throwable failure(Call call) {
        Throwable failure = catchThrowable(call::run);
        for (Throwable each = failure; each != null; each = each.getCause()) {
            assertThat(String.valueOf(each.getMessage()))
                    .doesNotContain(
                            Base64.getEncoder().encodeToString(dataKey).substring(0, 20),
                            HexFormat.of().formatHex(dataKey).substring(0, 20));
        }
        return failure;
    }

    private interface Call {
        void run() throws IOException;
    }

    @Test
    void gives_back_what_it_wrapped_also_through_another_object() throws IOException {
        byte[] wrapped = key.wrap(dataKey.clone(), CONTEXT);
        assertThat(key.wrap(dataKey.clone(), CONTEXT)).isNotEqualTo(wrapped);
        assertThat(open(server, "first").unwrap(wrapped, CONTEXT)).isEqualTo(dataKey);
    }

    @Test
    void has_an_id_that_names_the_key() throws IOException {
        assertThat(key.id())
                .matches("[a-z0-9]{1," + KeyProvider.LONGEST_ID + "}")
                .isEqualTo(open(server, "first").id())
                .isNotEqualTo(open(server, "second").id());
    }

    @Test
    void refuses_what_was_wrapped_for_something_else_or_under_another_key_or_changed() throws IOException {
        byte[] wrapped = key.wrap(dataKey.clone(), CONTEXT);
        KeyProvider other = open(server, "second");
        assertNotItsOwn(() -> key.unwrap(wrapped, CONTEXT.replace('1', '2')));
        assertNotItsOwn(() -> other.unwrap(wrapped, CONTEXT));
        assertNotItsOwn(() -> key.unwrap(new byte[0], CONTEXT));
        for (int at : new int[] {0, wrapped.length / 2, wrapped.length - 6}) {
            byte[] changed = wrapped.clone();
            changed[at] ^= 1;
            assertNotItsOwn(() -> key.unwrap(changed, CONTEXT));
        }
    }

    private void assertNotItsOwn(Call call) {
        assertThat(failure(call))
                .isInstanceOf(KeyException.class)
                .hasMessageContaining("wrapped for this snapshot")
                .hasMessageContaining("HINT: bring the object back");
    }

    @Test
    void says_what_is_missing_where_it_is_denied() throws IOException {
        byte[] wrapped = key.wrap(dataKey.clone(), CONTEXT);
        server.fail(Fault.DENIED, 2);
        for (Call call : new Call[] {() -> key.wrap(dataKey.clone(), CONTEXT), () -> key.unwrap(wrapped, CONTEXT)}) {
            assertThat(failure(call))
                    .isInstanceOf(KeyException.class)
                    .hasMessageContaining("refuses to ")
                    .hasMessageMatching("(?s).*HINT: (allow|give).*ncrypt.* and .*ecrypt.*");
        }
        assertThat(key.unwrap(wrapped, CONTEXT)).isEqualTo(dataKey);
    }

    @Test
    void says_so_where_there_is_no_such_key() throws IOException {
        KeyProvider none = open(server, "nowhere");
        assertThat(failure(() -> none.wrap(dataKey.clone(), CONTEXT)))
                .isInstanceOf(KeyException.class)
                .hasMessageContaining("there is no ")
                .hasMessageContaining("HINT: ");
    }

    @ParameterizedTest
    @EnumSource(names = {"THROTTLED", "BROKEN", "SILENT", "STALLED"})
    void asks_again_where_that_may_help(Fault fault) throws IOException {
        server.fail(fault, 1);
        byte[] wrapped = key.wrap(dataKey.clone(), CONTEXT);
        server.fail(fault, 1);
        assertThat(key.unwrap(wrapped, CONTEXT)).isEqualTo(dataKey);
    }

    @ParameterizedTest
    @EnumSource(names = {"THROTTLED", "BROKEN", "SILENT", "STALLED", "GARBAGE"})
    void gives_up_in_the_end_and_can_be_used_later(Fault fault) throws IOException {
        byte[] wrapped = key.wrap(dataKey.clone(), CONTEXT);
        KeyProvider hasty = open(server, "first", Duration.ofMillis(600));
        server.fail(fault, Integer.MAX_VALUE);
        for (Call call :
                new Call[] {() -> hasty.wrap(dataKey.clone(), CONTEXT), () -> hasty.unwrap(wrapped, CONTEXT)}) {
            assertThat(failure(call))
                    .as("%s", fault)
                    .isInstanceOf(IOException.class)
                    .isNotInstanceOf(KeyException.class)
                    .hasMessageContaining(fault == Fault.GARBAGE ? "" : "could not be asked to");
        }
        server.fail(Fault.NONE, 0);
        assertThat(hasty.unwrap(wrapped, CONTEXT)).isEqualTo(dataKey);
    }

    @Test
    void says_so_where_nobody_answers() throws IOException {
        byte[] wrapped = key.wrap(dataKey.clone(), CONTEXT);
        server.close();
        assertThat(failure(() -> key.unwrap(wrapped, CONTEXT)))
                .isInstanceOf(IOException.class)
                .isNotInstanceOf(KeyException.class)
                .hasMessageContaining("could not be asked to decrypt");
    }
}
