package io.backstop.recovery.internal.restore;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.internal.postgres.SqlSpelling;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.recovery.internal.restore.TableDdl.Ddl;
import io.backstop.recovery.internal.schema.MissingObject;
import io.backstop.recovery.internal.sql.RecoveryTransaction;
import io.backstop.recovery.internal.sql.ServerErrors;
import io.backstop.recovery.internal.validate.RestoredMark;
import io.backstop.recovery.internal.validate.RowVerifier;
import io.backstop.recovery.internal.validate.TableValidator;
import io.backstop.recovery.model.OpenForeignKey;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.recovery.model.RestoreProgress;
import io.backstop.recovery.model.RestoreProgress.Step;
import io.backstop.recovery.model.RestoredNames;
import io.backstop.recovery.model.RestoredTable;
import io.backstop.recovery.model.RowVerification;
import io.backstop.recovery.model.SequenceOwnership;
import io.backstop.recovery.model.Validation;
import io.backstop.recovery.model.Validation.Check;
import io.backstop.snapshot.archive.CommitMark;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.schema.PrerequisiteKind;
import io.backstop.snapshot.schema.TableDescription;
import io.backstop.snapshot.schema.TableDescription.Constraint;
import io.backstop.snapshot.schema.TableDescription.Prerequisite;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/** The steps by which one table comes back within a transaction, to be called in their order. Not thread-safe. */
public final class TableRestore {
    private static final Logger LOG = LoggerFactory.getLogger(TableRestore.class);

    /** What a foreign key may refer to in vain: table, schema, column or key are gone, or the column's type changed. */
    private static final Set<String> REFERENCE_MISSING = Set.of("42P01", "3F000", "42703", "42830", "42804");

    private static final String NOT_READABLE = "42501";
    private static final String ROWS_MISSING = "23503";

    private final RecoveryTransaction transaction;
    private final SnapshotArchive archive;
    private final SnapshotManifest manifest;
    private final TableDescription description;
    private final RelationName target;
    private final RestoreProgress progress;
    private final RowVerification thoroughness;

    private final List<String> created = new ArrayList<>();
    private final List<String> missing = new ArrayList<>();
    private final List<OpenForeignKey> open = new ArrayList<>();
    private @Nullable RestoredNames names;
    private List<Check> rows = List.of();

    public TableRestore(
            RecoveryTransaction transaction,
            SnapshotArchive archive,
            SnapshotManifest manifest,
            TableDescription description,
            RelationName target,
            RestoreProgress progress,
            RowVerification thoroughness) {
        this.transaction = transaction;
        this.archive = archive;
        this.manifest = manifest;
        this.description = description;
        this.target = target;
        this.progress = progress;
        this.thoroughness = thoroughness;
    }

    /**
     * The table with its rows and constraints, and before it what it needs and is missing.
     *
     * @param others what was restored before it in the same transaction, and may own what is missing
     */
    public void make(SequenceOwnership others) throws SQLException, RecoveryException {
        try {
            create(others);
            complete();
        } catch (RecoveryException e) {
            throw e.after(missing);
        }
    }

    private void create(SequenceOwnership others) throws SQLException, RecoveryException {
        Map<String, RelationName> drawnFrom = new LinkedHashMap<>();
        for (Prerequisite prerequisite : description.prerequisites()) {
            if (transaction.has(prerequisite)) {
                continue;
            }
            Optional<RelationName> restored = others.restored(prerequisite);
            if (restored.isPresent()) {
                drawnFrom.put(prerequisite.identity(), restored.get());
            } else {
                createMissing(prerequisite);
            }
        }
        names = TableCreator.create(transaction, description, target, target, drawnFrom);
        reached(Step.CREATED, 0);
    }

    /** Fills and constrains the table. */
    private void complete() throws SQLException, RecoveryException {
        if (description.foreign().isPresent()) {
            TableDdlRunner.run(transaction, ddl().afterRows(), target);
            finish();
            return; // its rows are where they always were, and are not asked for
        }
        long loaded = 0;
        try (RowLoader loader = new RowLoader(archive, manifest, target, target)) {
            for (List<SnapshotManifest.Chunk> stream : loader.streams()) {
                loaded += loader.load(transaction, stream);
                reached(Step.LOADING, loaded);
            }
        }
        InfiniteIntervalCheck.refuseOtherMeaning(transaction, manifest, target, target);
        reached(Step.LOADED, loaded);
        TableDdlRunner.run(transaction, ddl().afterRows(), target);
        // Before the foreign keys: from then on, the tables that they refer to cannot be written.
        rows = switch (thoroughness) {
            case EVERY_ROW -> new RowVerifier(manifest, target).read(transaction);
            case COUNTS -> TableValidator.counted(manifest, loaded);
        };
        finish();
    }

    /** Takes over a table that was filled and indexed before, in place of {@link #make}. */
    public void takeOver(StagedTable staged) throws SQLException, RecoveryException {
        rows = staged.rows(transaction, thoroughness);
        names = staged.publish(transaction);
        TableDdlRunner.run(transaction, new StagedDdl(description, names).constraints(), target);
        finish();
    }

    /** What is tried last: foreign keys, the comments, and the mark of where the table came from. */
    private void finish() throws SQLException, RecoveryException {
        List<Constraint> leftOut = new ArrayList<>();
        for (Constraint key : ddl().foreignKeys()) {
            if (!add(key)) {
                leftOut.add(key);
            }
        }
        TableDdlRunner.run(transaction, ddl().comments(leftOut), target);
        TableDdlRunner.run(transaction, List.of(mark()), target);
        reached(Step.CONSTRAINED, manifest.rowCount());
    }

    private Ddl mark() {
        String comment = new RestoredMark(manifest.snapshotId(), target).on(description.comment());
        return new Ddl(
                "comment",
                "COMMENT ON " + description.sqlKind() + " " + target.quoted() + " IS " + SqlSpelling.literal(comment));
    }

    /** The table, if it is what was stored. */
    public RestoredTable validated() throws SQLException, RecoveryException {
        Validation validation =
                new TableValidator(transaction, manifest, description, names(), open).validate(thoroughness, rows);
        if (!validation.holds()) {
            throw new RecoveryException(
                    "table " + target + " would not be what snapshot " + manifest.snapshotId() + " holds: "
                            + validation.failures().get(0),
                    "nothing was kept; see whether an event trigger or another version of the server changes what is "
                            + "created");
        }
        reached(Step.VALIDATED, manifest.rowCount());
        return new RestoredTable(
                manifest, description, names(), open, created, missing, validation, false, mark(archive, manifest));
    }

    /** Without an answer nothing is taken for the statement's: that must not keep the rows from coming back. */
    public static CommitMark mark(SnapshotArchive archive, SnapshotManifest manifest) {
        try {
            return archive.mark(manifest);
        } catch (IOException e) {
            LOG.warn("which rows the statement of {} made could not be read", manifest.snapshotId(), e);
            return CommitMark.WITHOUT_ROWS;
        }
    }

    /**
     * Tried, not insisted on: some of it is needed by what hangs on the table alone. What the table itself lacks stops its
     * own statements, with a message that names it.
     */
    private void createMissing(Prerequisite prerequisite) {
        String subject = prerequisite.kind() + " " + prerequisite.identity();
        if (prerequisite.sql().isEmpty()) {
            missing.add(
                    prerequisite.kind() == PrerequisiteKind.ROW_TYPE_OF_TABLE
                                    || prerequisite.kind() == PrerequisiteKind.ROW_TYPE_OF_VIEW
                            ? subject + " is missing: bring that back first, and put it in its place"
                            : subject + " is missing, and the snapshot cannot tell how it was made");
            return;
        }
        try {
            missing.addAll(MissingObject.make(transaction, prerequisite));
            created.add(subject);
        } catch (SQLException e) {
            missing.add(subject + " is missing and could not be created: " + ServerErrors.sentence(e));
        }
    }

    /** Whether the foreign key is there now, validated or not. */
    private boolean add(Constraint key) throws RecoveryException {
        try {
            transaction.attempt(ddl().addConstraint(key, key.definition()));
            return true;
        } catch (SQLException e) {
            String reason = ServerErrors.sentence(e);
            if (REFERENCE_MISSING.contains(ServerErrors.state(e))) {
                open.add(new OpenForeignKey(key, OpenForeignKey.State.LEFT_OUT, reason));
                return false;
            }
            // The check reads the other table as its owner, whom forced row-level security may keep from it.
            if (!ROWS_MISSING.equals(ServerErrors.state(e)) && !NOT_READABLE.equals(ServerErrors.state(e))) {
                throw ServerErrors.of("foreign key " + key.name() + " could not be created on " + target, e);
            }
            open.add(new OpenForeignKey(key, OpenForeignKey.State.NOT_VALIDATED, reason));
        }
        Ddl unchecked = new Ddl(
                "foreign key " + key.name(), ddl().addConstraint(key, key.definition() + OpenForeignKey.NOT_VALID));
        TableDdlRunner.run(transaction, List.of(unchecked), target);
        return true;
    }

    private void reached(Step step, long rows) {
        progress.reached(step, target, rows, manifest.rowCount());
    }

    private TableDdl ddl() {
        return new TableDdl(description, names());
    }

    private RestoredNames names() {
        return Objects.requireNonNull(names, "the table is created first");
    }
}
