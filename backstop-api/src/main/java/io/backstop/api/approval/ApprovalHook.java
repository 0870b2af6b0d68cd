package io.backstop.api.approval;

import io.backstop.api.error.BackstopException;

import java.util.function.Consumer;

/**
 * Obtains a human's approval for a statement. The default implementation keeps requests in the control store; another
 * one may ask in a chat or a ticket system. Implementations are thread-safe.
 */
public interface ApprovalHook {
    /**
     * Uses up an approval of this request, or asks for one.
     *
     * @return the id of the approval that was used up; it cannot be used again
     * @throws BackstopException ZB002 where the request is held, ZB003 where it was denied, ZB004 where nobody decided in
     *     time, ZB008 where nobody could be asked
     */
    String obtain(ApprovalRequest request) throws BackstopException;

    /**
     * The same, for a hook that may block until the request is decided.
     *
     * @param waiting is given the id of the request before the hook blocks, once; never called by a hook that does not block
     */
    default String obtain(ApprovalRequest request, Consumer<String> waiting) throws BackstopException {
        return obtain(request);
    }

    /** Gives back an approval whose statement did not run, so that it can be sent again. */
    void release(String approvalId) throws BackstopException;
}
