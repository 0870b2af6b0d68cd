package io.backstop.api.internal.postgres;

/** The end of a thread that works on a connection of its own beside the caller's. Stateless. */
public final class HelperThread {
    private HelperThread() {}

    /** Returns when the thread has ended, whatever happens meanwhile; an interrupt is kept for the caller. */
    public static void awaitEnd(Thread thread) {
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
