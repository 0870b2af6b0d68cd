package io.backstop.cli.doctor;

import io.backstop.api.control.ControlStore;
import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.api.policy.Policy.Enforcement;
import io.backstop.cli.option.ControlOption;
import io.backstop.cli.option.DatabaseOption;
import io.backstop.cli.option.OperatorsFileOption;
import io.backstop.cli.option.StorageOption;
import io.backstop.cli.output.FailureReport;
import io.backstop.jdbc.control.ControlPlace;
import io.backstop.jdbc.control.ControlStatus.Signatures;
import io.backstop.jdbc.policy.InvalidPolicyException;
import io.backstop.jdbc.policy.PolicyProfiles;
import io.backstop.snapshot.store.ObjectStore;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;

/** {@code backstop doctor launch}. */
@Command(
        name = "launch",
        description = {
            "Checks, before an application is started behind Backstop, what it is given: the role that --db connects as, the"
                    + " server, the storage, the policy, the control store and the operators' file. Changes nothing.",
            "Run it as the application's user, with its own database role."
        },
        mixinStandardHelpOptions = true)
final class LaunchCommand implements Callable<Integer> {
    @Mixin
    private final DatabaseOption database = new DatabaseOption();

    @Mixin
    private final StorageOption storage = new StorageOption();

    @Option(
            names = "--policy",
            paramLabel = "PROFILE|FILE",
            defaultValue = "strict",
            description = "The policy that the application names in backstop.policy [${DEFAULT-VALUE}].")
    private String policy = "strict";

    @Mixin
    private final ControlOption control = new ControlOption();

    @Mixin
    private final OperatorsFileOption operators = new OperatorsFileOption();

    @Mixin
    private final Diagnosis diagnosis = new Diagnosis();

    @Override
    public Integer call() throws SQLException {
        List<DoctorFinding> findings = new ArrayList<>();
        try (Connection connection = database.address().connect()) {
            findings.addAll(ServerFindings.of(connection));
            findings.addAll(RoleFindings.of(connection));
        }
        findings.add(password());
        findings.add(storage());
        findings.add(policy());
        findings.add(controlStore());
        findings.addAll(approvals());
        return diagnosis.conclude(findings);
    }

    /** An agent that could connect by itself needs no gap in a guard. */
    private DoctorFinding password() {
        String check = "direct connection";
        return database.address().isTakenWithoutPassword()
                ? DoctorFinding.degraded(
                        check,
                        "whoever reaches the server from this host is taken as this role without a password, around Backstop",
                        "require scram-sha-256 for the role in pg_hba.conf, and keep its password from agents")
                : DoctorFinding.ready(check, "needs the role's password: keep it from agents");
    }

    private DoctorFinding storage() {
        String check = "storage";
        try (ObjectStore store = storage.open()) {
            store.list("snapshots/");
            return DoctorFinding.ready(
                    check, store.address() + " can be listed; `doctor storage-permissions` tries the rest");
        } catch (IOException | IllegalArgumentException e) {
            String reason =
                    e instanceof IOException failure ? FailureReport.reason(failure) : String.valueOf(e.getMessage());
            return DoctorFinding.notReady(
                    check, reason, "statements that need a snapshot would be refused; see --storage");
        }
    }

    private DoctorFinding policy() {
        String check = "policy";
        try {
            Enforcement enforcement = PolicyProfiles.named(policy).current().enforcement();
            return enforcement == Enforcement.MONITOR
                    ? DoctorFinding.degraded(
                            check, policy + " only watches", "name `strict` or `application` to stop anything")
                    : DoctorFinding.ready(check, policy + " is understood");
        } catch (InvalidPolicyException e) {
            return DoctorFinding.notReady(check, String.valueOf(e.getMessage()), "no guard would start with it");
        }
    }

    private DoctorFinding controlStore() {
        String check = "control store";
        try {
            ControlPlace place = control.place();
            if (place.file().isPresent() && !Files.exists(place.file().get())) {
                return DoctorFinding.ready(check, place + " is not there, and the first guard makes it");
            }
            try (ControlStore store = control.openExisting()) {
                boolean paused = store.pause().current().isPresent();
                return paused
                        ? DoctorFinding.degraded(
                                check, place + " can be used; writes are paused", "`backstop resume` when it is safe")
                        : DoctorFinding.ready(check, place + " can be used");
            }
        } catch (ControlStoreUnavailableException e) {
            return DoctorFinding.notReady(check, e.problem(), e.hint());
        }
    }

    private List<DoctorFinding> approvals() {
        String check = "approvals";
        Optional<Path> store;
        try {
            store = control.place().file().filter(Files::exists);
        } catch (ControlStoreUnavailableException e) {
            store = Optional.empty(); // is told already
        }
        Signatures signatures = Signatures.of(operators.file(), store);
        if (signatures.warnings().isEmpty()) {
            return List.of(DoctorFinding.ready(
                    check, "count with the signature of " + String.join(", ", signatures.operators())));
        }
        return signatures.warnings().stream()
                .map(warning -> DoctorFinding.degraded(
                        check,
                        warning,
                        "`backstop operators add --help` and docs/operators.md say how they are signed"))
                .toList();
    }
}
