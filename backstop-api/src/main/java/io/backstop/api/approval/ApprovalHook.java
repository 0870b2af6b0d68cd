package io.backstop.api.approval;

import io.backstop.api.error.BackstopException;

/**
 * Where the guard asks for a human's yes. The default one keeps requests in the control store; another one may ask in a
 * chat or a ticket system. Implementations are thread-safe.
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

    /** Gives back an approval whose statement did not run, so that it can be sent again. */
    void release(String approvalId) throws BackstopException;
}
