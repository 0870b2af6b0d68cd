package io.backstop.jdbc.analysis.read;

/** What a condition is by its text alone: SQL's three values, or {@link #OPEN} where rows, parameters or calls decide. */
enum Truth {
    TRUE,
    FALSE,
    NULL,
    OPEN;

    Truth not() {
        return switch (this) {
            case TRUE -> FALSE;
            case FALSE -> TRUE;
            case NULL -> NULL;
            case OPEN -> OPEN;
        };
    }

    Truth and(Truth other) {
        if (this == FALSE || other == FALSE) {
            return FALSE;
        }
        if (this == OPEN || other == OPEN) {
            return OPEN;
        }
        return this == NULL || other == NULL ? NULL : TRUE;
    }

    Truth or(Truth other) {
        if (this == TRUE || other == TRUE) {
            return TRUE;
        }
        if (this == OPEN || other == OPEN) {
            return OPEN;
        }
        return this == NULL || other == NULL ? NULL : FALSE;
    }

    static Truth of(boolean value) {
        return value ? TRUE : FALSE;
    }
}
