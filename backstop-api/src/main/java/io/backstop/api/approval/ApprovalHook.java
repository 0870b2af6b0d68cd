package io.backstop.api.approval;

import io.backstop.api.error.ApprovalRequiredException;
import io.backstop.api.error.BackstopException;

import java.sql.SQLException;

/**
 * Obtains a human's approval for a statement. The default implementation keeps requests in the control store; another
 * one may ask in a chat or a ticket system. Implementations are thread-safe.
 */
public interface ApprovalHook {
    /**
     * Uses up an approval of this request, or asks for one. Does not block until the request is decided.
     *
     * @return the id of the approval that was used up; it cannot be used again
     * @throws BackstopException ZB002 where the request is held, ZB003 where it was denied, ZB004 where nobody decided in
     *     time, ZB008 where nobody could be asked
     */
    String obtain(ApprovalRequest request) throws BackstopException;

    /**
     * The same, for a hook that shows people what a statement would change.
     *
     * @param preview looks what that is; for a new request only, because it may run the statement and roll it back
     */
    default String obtain(ApprovalRequest request, ImpactPreview preview) throws SQLException {
        return obtain(request);
    }

    /** Whether callers wait until a request is decided, rather than fail at once and send their statement again. */
    default boolean waits() {
        return false;
    }

    /**
     * Whether a request is still undecided. Asked again and again while a caller waits.
     *
     * @param held what {@link #obtain} threw
     */
    default boolean undecided(ApprovalRequiredException held) throws BackstopException {
        return false;
    }

    /** Gives back an approval whose statement certainly did not run, so that it can be sent again. */
    void release(String approvalId) throws BackstopException;
}
