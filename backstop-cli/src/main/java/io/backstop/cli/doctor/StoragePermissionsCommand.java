package io.backstop.cli.doctor;

import io.backstop.cli.option.StorageOption;
import io.backstop.cli.output.FailureReport;
import io.backstop.snapshot.store.LockedObjectException;
import io.backstop.snapshot.store.ObjectStore;
import io.backstop.snapshot.store.StorageProbe;
import io.backstop.snapshot.store.StorageProbe.Action;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;

/** {@code backstop doctor storage-permissions}. */
@Command(
        name = "storage-permissions",
        description = {
            "Lists, writes, reads, replaces and removes an object of its own in the storage, and tries to write over it.",
            "Exit code 1 where snapshots cannot be stored or read."
        },
        mixinStandardHelpOptions = true)
final class StoragePermissionsCommand implements Callable<Integer> {
    private static final String FILES = "file:";

    @Mixin
    private final StorageOption storage = new StorageOption();

    @Mixin
    private final Diagnosis diagnosis = new Diagnosis();

    @Override
    public Integer call() throws IOException {
        List<DoctorFinding> findings = new ArrayList<>();
        try (ObjectStore store = storage.openExisting()) {
            List<StorageProbe.Step> steps = StorageProbe.run(store);
            steps.stream()
                    .filter(step ->
                            step.action() != Action.LOCK || step.problem().isPresent())
                    .map(StoragePermissionsCommand::finding)
                    .forEach(findings::add);
            boolean lockTried = steps.stream()
                    .anyMatch(step ->
                            step.action() == Action.LOCK && step.problem().isEmpty());
            store.protection().ifPresent(protection -> findings.addAll(ProtectionFindings.of(protection, lockTried)));
        }
        if (storage.address().startsWith(FILES)) {
            findings.add(folder(Path.of(URI.create(storage.address()))));
        }
        return diagnosis.conclude(findings);
    }

    private static DoctorFinding finding(StorageProbe.Step step) {
        String check = words(step.action());
        return step.problem()
                .map(problem -> {
                    if (problem instanceof LockedObjectException locked) {
                        return DoctorFinding.ready(
                                check,
                                "not yet: the bucket locks every object; the probe's is "
                                        + locked.lock().words());
                    }
                    String reason = FailureReport.reason(problem);
                    return step.action() == Action.DELETE
                            ? DoctorFinding.degraded(check, reason, remedy(step.action()))
                            : DoctorFinding.notReady(check, reason, remedy(step.action()));
                })
                .orElseGet(() -> DoctorFinding.ready(check, "works"));
    }

    private static String words(Action action) {
        return switch (action) {
            case LIST -> "list objects";
            case LOCK -> "lock an object";
            case WRITE -> "write an object";
            case REFUSE_OVERWRITING -> "refuse to write over an object";
            case LET_ONE_WIN -> "let one of several win";
            case READ -> "read an object";
            case REPLACE -> "replace an object";
            case DELETE -> "remove an object";
        };
    }

    private static String remedy(Action action) {
        return switch (action) {
            case LIST -> "allow to list the bucket under this prefix (s3:ListBucket), or to read the folder";
            case LOCK ->
                "use a bucket with Object Lock, and allow s3:PutObjectRetention, s3:GetObjectRetention and"
                        + " s3:GetBucketObjectLockConfiguration; without ?lock= in the address, snapshots are not locked";
            case WRITE, REPLACE -> "allow to write objects under this prefix (s3:PutObject), or into the folder";
            case REFUSE_OVERWRITING, LET_ONE_WIN ->
                "use a store that honours If-None-Match: without that, two processes could write one snapshot over the other";
            case READ -> "allow to read objects under this prefix (s3:GetObject), or the files of the folder";
            case DELETE ->
                "snapshots can be taken and restored, but not pruned; allow to remove objects under this prefix"
                        + " (s3:DeleteObject; where the bucket keeps versions also s3:ListBucketVersions and"
                        + " s3:DeleteObjectVersion) where prune runs";
        };
    }

    /** Who else on this host could read the rows, or change them. */
    private static DoctorFinding folder(Path folder) throws IOException {
        String check = "other users of this host";
        if (!Files.getFileStore(folder).supportsFileAttributeView("posix")) {
            return DoctorFinding.degraded(
                    check,
                    "the file system does not tell what they may do",
                    "see to it that nobody but the user of Backstop can write the folder");
        }
        Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(folder);
        if (permissions.contains(PosixFilePermission.OTHERS_WRITE)
                || permissions.contains(PosixFilePermission.GROUP_WRITE)) {
            return DoctorFinding.notReady(
                    check, "they can write the folder, and so change or remove snapshots", "chmod 700 " + folder);
        }
        if (permissions.contains(PosixFilePermission.OTHERS_READ)) {
            return DoctorFinding.degraded(
                    check, "they can read the folder, and so the rows of all snapshots", "chmod 700 " + folder);
        }
        return DoctorFinding.ready(check, "cannot write the folder");
    }
}
