package io.backstop.api.error;

/** Reports that the statement is held until an operator approves it (SQLSTATE ZB002). */
public final class ApprovalRequiredException extends BackstopException {
    public static final String SQL_STATE = "ZB002";
    private static final long serialVersionUID = 1L;

    private final String approvalId;

    public ApprovalRequiredException(String approvalId, String problem, String hint) {
        super(SQL_STATE, problem, hint);
        this.approvalId = approvalId;
    }

    /** The id of the approval request, {@code appr_…}. */
    public String approvalId() {
        return approvalId;
    }
}
