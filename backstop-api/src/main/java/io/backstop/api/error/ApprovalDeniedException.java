package io.backstop.api.error;

/** Reports that an operator denied the statement (SQLSTATE ZB003). */
public final class ApprovalDeniedException extends BackstopException {
    public static final String SQL_STATE = "ZB003";
    private static final long serialVersionUID = 1L;

    private final String approvalId;

    public ApprovalDeniedException(String approvalId, String problem, String hint) {
        super(SQL_STATE, problem, hint);
        this.approvalId = approvalId;
    }

    /** The id of the approval request, {@code appr_…}. */
    public String approvalId() {
        return approvalId;
    }
}
