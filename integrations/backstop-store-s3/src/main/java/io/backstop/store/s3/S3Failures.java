package io.backstop.store.s3;

import io.backstop.snapshot.store.InDoubtException;
import software.amazon.awssdk.services.s3.model.S3Exception;

import java.io.IOException;

/** What the answers and failures of the SDK mean. */
final class S3Failures {
    static final int FORBIDDEN = 403;
    static final int NOT_FOUND = 404;
    static final int NOT_ALLOWED = 405;
    static final int CONFLICT = 409;
    static final int PRECONDITION_FAILED = 412;
    static final int SERVER_ERROR = 500;
    static final int NOT_IMPLEMENTED = 501;

    private S3Failures() {}

    /** @param deed what was not to be done, and where: {@code store "a" in s3://bucket} */
    static IOException of(String deed, RuntimeException cause) {
        String message = "cannot " + deed + ": " + reason(cause);
        int status = status(cause);
        return status == 0 || status >= SERVER_ERROR
                ? new InDoubtException(message, cause)
                : new IOException(message, cause);
    }

    private static String reason(RuntimeException cause) {
        return cause instanceof S3Exception answer
                ? "the server answers " + answer.statusCode() + " " + code(answer)
                : String.valueOf(cause.getMessage());
    }

    private static String code(S3Exception answer) {
        // A proxy answers without a reason, or with one that S3 does not know.
        return answer.awsErrorDetails() == null || answer.awsErrorDetails().errorCode() == null
                ? "no reason given"
                : answer.awsErrorDetails().errorCode();
    }

    /** The HTTP status of the server's answer; 0 where there is none. */
    static int status(RuntimeException failure) {
        return failure instanceof S3Exception answer ? answer.statusCode() : 0;
    }

    /** Whether the server does not know what it was asked to do. */
    static boolean isUnknown(S3Exception answer) {
        return answer.statusCode() == NOT_IMPLEMENTED
                || answer.statusCode() == NOT_ALLOWED
                || code(answer).equals("NotImplemented");
    }
}
