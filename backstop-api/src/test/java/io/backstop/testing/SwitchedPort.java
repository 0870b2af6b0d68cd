package io.backstop.testing;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;

/** A port of the loopback interface that passes connections on to another one, which can be changed. Thread-safe. */
final class SwitchedPort implements AutoCloseable {
    private final ServerSocket listening;
    private volatile int target;

    private SwitchedPort(ServerSocket listening) {
        this.listening = listening;
    }

    static SwitchedPort open() throws IOException {
        SwitchedPort port = new SwitchedPort(new ServerSocket(0, 50, InetAddress.getLoopbackAddress()));
        daemon(port::accept);
        return port;
    }

    int number() {
        return listening.getLocalPort();
    }

    void to(int other) {
        target = other;
    }

    private void accept() {
        try {
            while (true) {
                Socket caller = listening.accept();
                try {
                    Socket server = new Socket(InetAddress.getLoopbackAddress(), target);
                    daemon(() -> pump(caller, server));
                    daemon(() -> pump(server, caller));
                } catch (IOException e) {
                    caller.close(); // as if it had been refused
                }
            }
        } catch (IOException e) {
            // It was closed.
        }
    }

    private static void pump(Socket from, Socket to) {
        try (from;
                to;
                InputStream in = from.getInputStream();
                OutputStream out = to.getOutputStream()) {
            in.transferTo(out);
        } catch (IOException e) {
            // One side is gone, and the other one is closed with it.
        }
    }

    private static void daemon(Runnable work) {
        Thread thread = new Thread(work, "backstop-test-port");
        thread.setDaemon(true);
        thread.start();
    }

    @Override
    public void close() throws IOException {
        listening.close();
    }
}
