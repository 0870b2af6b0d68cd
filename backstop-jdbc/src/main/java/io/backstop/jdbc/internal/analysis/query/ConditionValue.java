package io.backstop.jdbc.internal.analysis.query;

/** What a condition is by its text alone: SQL's three values, or {@link #OPEN} where rows, parameters or calls decide. */
enum ConditionValue {
    TRUE,
    FALSE,
    NULL,
    OPEN;

    ConditionValue not() {
        return switch (this) {
            case TRUE -> FALSE;
            case FALSE -> TRUE;
            case NULL -> NULL;
            case OPEN -> OPEN;
        };
    }

    ConditionValue and(ConditionValue other) {
        if (this == FALSE || other == FALSE) {
            return FALSE;
        }
        if (this == OPEN || other == OPEN) {
            return OPEN;
        }
        return this == NULL || other == NULL ? NULL : TRUE;
    }

    ConditionValue or(ConditionValue other) {
        if (this == TRUE || other == TRUE) {
            return TRUE;
        }
        if (this == OPEN || other == OPEN) {
            return OPEN;
        }
        return this == NULL || other == NULL ? NULL : FALSE;
    }

    static ConditionValue of(boolean value) {
        return value ? TRUE : FALSE;
    }
}
