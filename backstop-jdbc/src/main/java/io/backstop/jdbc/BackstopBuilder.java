package io.backstop.jdbc;

import io.backstop.api.approval.ApprovalHook;
import io.backstop.api.control.ControlStore;
import io.backstop.api.error.RecoveryNotReadyException;
import io.backstop.api.event.GuardListener;
import io.backstop.api.policy.Policy;
import io.backstop.api.policy.Policy.Enforcement;
import io.backstop.api.snapshot.Progress;
import io.backstop.api.snapshot.SnapshotService;
import io.backstop.api.snapshot.SnapshotServiceProvider;
import io.backstop.api.snapshot.SnapshotSettings;
import io.backstop.api.snapshot.Verification;
import io.backstop.jdbc.analysis.SqlAnalyzer;
import io.backstop.jdbc.control.SqlControlStore;
import io.backstop.jdbc.internal.approval.SpentApprovals;
import io.backstop.jdbc.internal.approval.StoreApprovalHook;
import io.backstop.jdbc.internal.control.KnownStores;
import io.backstop.jdbc.internal.pipeline.Pipeline;
import io.backstop.jdbc.internal.pipeline.PipelineParts;
import io.backstop.jdbc.operator.OperatorException;
import io.backstop.jdbc.operator.OperatorsFile;
import io.backstop.jdbc.policy.InvalidPolicyException;
import io.backstop.jdbc.policy.PolicyProfiles;
import io.backstop.jdbc.policy.PolicySource;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.ServiceLoader;

/**
 * Builds a guard. Settings that are left out have the driver's defaults: the strict policy, no storage, the default
 * control store. Not thread-safe.
 */
public final class BackstopBuilder {
    private static final Logger LOG = LoggerFactory.getLogger(BackstopBuilder.class);

    private final Map<Setting, String> settings = new EnumMap<>(Setting.class);
    private @Nullable Policy policy;
    private @Nullable ControlStore store;
    private @Nullable ApprovalHook approvals;
    private @Nullable SnapshotService snapshotService;
    private final List<GuardListener> listeners = new ArrayList<>();
    private Progress progress = Progress.SILENT;
    private @Nullable Clock clock;
    private KnownStores known = new KnownStores();
    private SpentApprovals spent = new SpentApprovals();

    BackstopBuilder() {}

    /** A profile's name, or the path of a policy file. */
    public BackstopBuilder policy(String profileOrFile) {
        settings.put(Setting.POLICY, profileOrFile);
        return this;
    }

    public BackstopBuilder policy(Policy newPolicy) {
        this.policy = newPolicy;
        return this;
    }

    /** {@code file:///folder}, {@code s3://bucket[/prefix]} or {@code s3://bucket[/prefix]@http(s)://endpoint}. */
    public BackstopBuilder storage(String address) {
        settings.put(Setting.STORAGE, address);
        return this;
    }

    /** The way to make sure that the storage holds the rows; by default everything is read back. */
    public BackstopBuilder verification(Verification verification) {
        settings.put(Setting.VERIFICATION, verification == Verification.STORE_CHECKSUM ? "checksum" : "read");
        return this;
    }

    /**
     * The file of the key that snapshots are encrypted and authenticated under, as {@code backstop keys create} makes it; by
     * default they are neither. Of a snapshot that others took, nothing is used then unless it is authenticated too.
     */
    public BackstopBuilder key(Path file) {
        return key(file.toString());
    }

    /**
     * The address of that key: the path of a key file, {@code aws-kms://key[@https://endpoint]} or {@code
     * vault://mount/key[@https://host:port]}, which need a module of their own.
     */
    public BackstopBuilder key(String address) {
        settings.put(Setting.KEY, address);
        return this;
    }

    /** A snapshot service of the caller's in place of a storage, which the guard closes with itself. */
    public BackstopBuilder snapshots(SnapshotService service) {
        this.snapshotService = service;
        return this;
    }

    /** The file of the control store. */
    public BackstopBuilder control(Path file) {
        return control(file.toString());
    }

    /** The control store: a file, or {@code jdbc:postgresql://host:port/database?user=…} for one that many hosts share. */
    public BackstopBuilder control(String place) {
        settings.put(Setting.CONTROL, place);
        return this;
    }

    /** A control store of the caller's, which the guard closes with itself. */
    public BackstopBuilder control(ControlStore newStore) {
        this.store = newStore;
        return this;
    }

    public BackstopBuilder agentId(String agentId) {
        settings.put(Setting.AGENT_ID, agentId);
        return this;
    }

    public BackstopBuilder approvals(ApprovalHook hook) {
        this.approvals = hook;
        return this;
    }

    /** The file of the operators whose signed decisions count; without one, decisions need no signature. */
    public BackstopBuilder operators(Path file) {
        settings.put(Setting.OPERATORS, file.toString());
        return this;
    }

    /** How long an approval can be decided and, once given, used; in whole seconds from 1 s to 30 days. */
    public BackstopBuilder approvalTimeout(Duration timeout) {
        settings.put(Setting.APPROVAL_TIMEOUT, String.valueOf(timeout.toSeconds()));
        return this;
    }

    /** Follows the work on destructive statements. */
    public BackstopBuilder progress(Progress listener) {
        this.progress = listener;
        return this;
    }

    /** Adds a listener for what happens to statements and connections; each one hears everything. */
    public BackstopBuilder listener(GuardListener listener) {
        listeners.add(Objects.requireNonNull(listener, "listener"));
        return this;
    }

    public BackstopBuilder clock(Clock newClock) {
        this.clock = newClock;
        return this;
    }

    BackstopBuilder settings(Map<Setting, String> all) {
        settings.putAll(all);
        return this;
    }

    /** @param stores remembers which stores were opened, for longer than one guard lives */
    BackstopBuilder known(KnownStores stores) {
        this.known = stores;
        return this;
    }

    /** @param approvals what other guards of the process have used up */
    BackstopBuilder spent(SpentApprovals approvals) {
        this.spent = approvals;
        return this;
    }

    /**
     * Makes a guard without touching the control store or the storage: where one of these cannot be used, SAFE statements run
     * and others are refused until it can.
     *
     * @throws InvalidSettingException naming the setting that is wrong, and what to do
     */
    public Backstop build() throws SQLException {
        GuardSettings checked = GuardSettings.of(settings);
        PolicySource policies = policies(checked);
        ControlStore openStore = store != null ? store : store(checked);
        Optional<SnapshotService> snapshots = Optional.empty();
        try {
            snapshots = snapshots(checked, openStore);
            Optional<StorageCheck> check =
                    checked.storage().isPresent() ? snapshots.map(StorageCheck::new) : Optional.empty();
            ApprovalHook hook = approvals != null ? approvals : hook(checked, openStore);
            Pipeline pipeline = new Pipeline(new PipelineParts(
                    SqlAnalyzer.create(), policies, openStore, hook, snapshots, listeners, progress, time(openStore)));
            check.ifPresent(StorageCheck::start);
            return new Backstop(pipeline, openStore, snapshots, check, checked.agentId(), checked.place());
        } catch (SQLException | RuntimeException e) {
            snapshots.ifPresent(SnapshotService::close);
            openStore.close();
            throw e;
        }
    }

    private PolicySource policies(GuardSettings checked) throws InvalidSettingException {
        PolicySource source;
        try {
            source = policy != null ? PolicySource.fixed(policy) : PolicyProfiles.named(checked.policy());
        } catch (InvalidPolicyException | InvalidPathException e) {
            throw new InvalidSettingException(
                    Setting.POLICY.key() + " cannot be used: " + e.getMessage(),
                    "it takes " + Setting.POLICY.description(),
                    e);
        }
        return checked.monitor()
                ? PolicySource.fixed(source.current().with(source.current().name(), Enforcement.MONITOR))
                : source;
    }

    private ControlStore store(GuardSettings checked) {
        return SqlControlStore.deferred(checked.control(), known, Optional.ofNullable(clock));
    }

    /** All that happens is dated by the store, whose time the processes that share it agree on. */
    private Clock time(ControlStore openStore) {
        return clock == null ? openStore.clock() : clock;
    }

    private Optional<SnapshotService> snapshots(GuardSettings checked, ControlStore openStore) throws SQLException {
        if (checked.storage().isEmpty()) {
            return Optional.ofNullable(snapshotService);
        }
        String storage = checked.storage().get();
        SnapshotServiceProvider provider = ServiceLoader.load(SnapshotServiceProvider.class)
                .findFirst()
                .orElseThrow(() -> new InvalidSettingException(
                        Setting.STORAGE.key() + " is set, and nothing on the class path takes snapshots",
                        "add io.backstop:backstop-snapshot to the application"));
        try {
            return Optional.of(provider.open(new SnapshotSettings(
                    storage,
                    SnapshotSettings.DEFAULT_LOCK_TIMEOUT,
                    checked.verification(),
                    time(openStore),
                    checked.key())));
        } catch (RecoveryNotReadyException e) {
            throw new InvalidSettingException(Setting.STORAGE.key() + " cannot be used: " + problem(e), e.hint(), e);
        }
    }

    private static String problem(RecoveryNotReadyException e) {
        String message = String.valueOf(e.getMessage());
        return message.lines().findFirst().orElse(message);
    }

    private ApprovalHook hook(GuardSettings checked, ControlStore openStore) throws InvalidSettingException {
        return new StoreApprovalHook(
                openStore.approvals(),
                operators(checked),
                checked.approvalTimeout(),
                checked.waitForApproval(),
                spent,
                time(openStore));
    }

    private static Optional<OperatorsFile> operators(GuardSettings checked) throws InvalidSettingException {
        if (checked.operators().isEmpty()) {
            LOG.warn("no operators are configured (backstop.operators): an approval counts without a signature, whoever"
                    + " writes it into the control store");
            return Optional.empty();
        }
        try {
            OperatorsFile file = new OperatorsFile(Path.of(checked.operators().get()));
            file.read();
            for (String reason : file.writableByThisProcess()) {
                LOG.warn("approvals are not out of the reach of this process: {}", reason);
            }
            return Optional.of(file);
        } catch (OperatorException | InvalidPathException e) {
            throw new InvalidSettingException(
                    Setting.OPERATORS.key() + " cannot be used: "
                            + String.valueOf(e.getMessage()).lines().findFirst().orElse(""),
                    "it takes " + Setting.OPERATORS.description(),
                    e);
        }
    }
}
