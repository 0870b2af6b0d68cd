package io.backstop.jdbc;

import org.jspecify.annotations.Nullable;

import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.Socket;

/**
 * Makes sockets that call a thread's hook before something of that thread is sent to the server, for what happens to a
 * statement in each of its phases. For pgjdbc, by name.
 */
public final class HookedSocketFactory extends UnconnectedSocketFactory {
    /** pgjdbc makes the factory by its name, so that the hook has to be found without it. */
    private static final ThreadLocal<@Nullable Hook> HOOK = new ThreadLocal<>();

    /** What is done before something is sent. */
    interface Hook {
        void beforeSending() throws IOException;
    }

    /** Calls the hook from here on, for what this thread sends; null for none. */
    static void hook(@Nullable Hook hook) {
        HOOK.set(hook);
    }

    @Override
    public Socket createSocket() {
        return new Socket() {
            @Override
            public OutputStream getOutputStream() throws IOException {
                return new HookedStream(super.getOutputStream());
            }
        };
    }

    private static final class HookedStream extends FilterOutputStream {
        HookedStream(OutputStream out) {
            super(out);
        }

        @Override
        public void write(byte[] bytes, int offset, int length) throws IOException {
            Hook hook = HOOK.get();
            if (hook != null) {
                hook.beforeSending();
            }
            out.write(bytes, offset, length);
        }
    }
}
