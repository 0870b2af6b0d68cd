package io.backstop.api.error;

/** Reports that the request for approval expired before it was decided or its approval was used (SQLSTATE ZB004). */
public final class ApprovalExpiredException extends BackstopException {
    public static final String SQL_STATE = "ZB004";
    private static final long serialVersionUID = 1L;

    private final String approvalId;

    public ApprovalExpiredException(String approvalId, String problem, String hint) {
        super(SQL_STATE, problem, hint);
        this.approvalId = approvalId;
    }

    /** The id of the approval request, {@code appr_…}. */
    public String approvalId() {
        return approvalId;
    }
}
