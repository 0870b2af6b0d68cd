package io.backstop.jdbc.internal.approval;

import io.backstop.api.approval.ApprovalHook;
import io.backstop.api.approval.ApprovalRequest;
import io.backstop.api.error.ApprovalExpiredException;
import io.backstop.api.error.ApprovalRequiredException;
import io.backstop.api.error.BackstopException;

import java.util.function.Consumer;

/**
 * Blocks the caller until its request is decided or expires, by asking another hook every {@value #POLL_MILLIS} ms. The
 * caller's connection, and its transaction if it has one, wait too. Thread-safe.
 */
public final class WaitingApprovalHook implements ApprovalHook {
    private static final int POLL_MILLIS = 250;

    private final ApprovalHook hook;

    public WaitingApprovalHook(ApprovalHook hook) {
        this.hook = hook;
    }

    @Override
    public String obtain(ApprovalRequest request) throws BackstopException {
        return obtain(request, id -> {});
    }

    @Override
    public String obtain(ApprovalRequest request, Consumer<String> waiting) throws BackstopException {
        String asked = "";
        while (true) {
            try {
                return hook.obtain(request);
            } catch (ApprovalRequiredException undecided) {
                if (!asked.isEmpty() && !asked.equals(undecided.approvalId())) {
                    throw new ApprovalExpiredException(
                            asked,
                            "nobody decided about " + asked + " in time",
                            "send the statement again to ask once more");
                }
                if (asked.isEmpty()) {
                    waiting.accept(undecided.approvalId());
                }
                asked = undecided.approvalId();
                pause(undecided);
            }
        }
    }

    private static void pause(ApprovalRequiredException undecided) throws ApprovalRequiredException {
        try {
            Thread.sleep(POLL_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            undecided.addSuppressed(e);
            throw undecided;
        }
    }

    @Override
    public void release(String approvalId) throws BackstopException {
        hook.release(approvalId);
    }
}
