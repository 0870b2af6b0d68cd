package io.backstop.cli.doctor;

import io.backstop.snapshot.store.StorageProtection;
import io.backstop.snapshot.store.StorageProtection.Answer;

import java.util.List;

/** Whether snapshots outlive whoever may remove the objects of their bucket. */
final class ProtectionFindings {
    private static final String LOCK = "object lock";
    private static final String VERSIONS = "versions of removed objects";
    private static final String ASK =
            "to lock snapshots, end the address in ?lock=governance:30d or ?lock=compliance:30d";

    private ProtectionFindings() {}

    /** @param lockTried whether a lock that was asked for was found to hold */
    static List<DoctorFinding> of(StorageProtection protection, boolean lockTried) {
        return List.of(lock(protection, lockTried), versions(protection));
    }

    private static DoctorFinding lock(StorageProtection protection, boolean tried) {
        if (protection.asked().isPresent()) {
            String asked = protection.asked().get();
            return tried
                    ? DoctorFinding.ready(LOCK, asked + "; a locked object could not be removed")
                    : DoctorFinding.notReady(
                            LOCK, asked + " is asked for and does not hold", "see what is said of locking an object");
        }
        if (protection.byDefault().isPresent()) {
            return DoctorFinding.ready(
                    LOCK,
                    "the bucket itself locks every object: "
                            + protection.byDefault().get());
        }
        return switch (protection.lock()) {
            case YES -> DoctorFinding.degraded(LOCK, "the bucket can lock objects, and snapshots are not locked", ASK);
            case NO ->
                DoctorFinding.degraded(
                        LOCK,
                        "the bucket has none: whoever may remove objects there can remove all snapshots",
                        "use a bucket with Object Lock and end its address in ?lock=governance:30d, or see to it that"
                                + " agents have no credentials that may remove objects");
            case UNKNOWN ->
                DoctorFinding.degraded(
                        LOCK,
                        "the bucket does not let this role ask",
                        "allow s3:GetBucketObjectLockConfiguration to see it here; " + ASK);
        };
    }

    private static DoctorFinding versions(StorageProtection protection) {
        if (protection.versions() == Answer.UNKNOWN) {
            return DoctorFinding.degraded(
                    VERSIONS, "the bucket does not let this role ask", "allow s3:GetBucketVersioning to see it here");
        }
        return DoctorFinding.ready(
                VERSIONS,
                protection.versions() == Answer.YES
                        ? "kept; a prune removes them, too (s3:ListBucketVersions, s3:DeleteObjectVersion)"
                        : "not kept");
    }
}
