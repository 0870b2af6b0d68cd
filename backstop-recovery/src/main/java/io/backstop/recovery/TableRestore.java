package io.backstop.recovery;

import io.backstop.api.analysis.RelationName;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.recovery.RestoreProgress.Step;
import io.backstop.recovery.TableDdl.Ddl;
import io.backstop.snapshot.archive.CopyFormat;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.schema.TableDescription;
import io.backstop.snapshot.schema.TableDescription.Constraint;
import io.backstop.snapshot.schema.TableDescription.Prerequisite;
import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.InputStream;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/** The steps by which one table comes back within a transaction, to be called in their order. Not thread-safe. */
final class TableRestore {
    /** What a foreign key may refer to in vain: table, schema, column or key are gone, or the column's type changed. */
    private static final Set<String> REFERENCE_MISSING = Set.of("42P01", "3F000", "42703", "42830", "42804");

    private static final String ROWS_MISSING = "23503";

    private final RecoveryTransaction transaction;
    private final SnapshotArchive archive;
    private final SnapshotManifest manifest;
    private final TableDescription description;
    private final RelationName target;
    private final RestoreProgress progress;

    private final List<String> created = new ArrayList<>();
    private final List<String> missing = new ArrayList<>();
    private final List<OpenForeignKey> open = new ArrayList<>();
    private @Nullable RestoredNames names;

    TableRestore(
            RecoveryTransaction transaction,
            SnapshotArchive archive,
            SnapshotManifest manifest,
            TableDescription description,
            RelationName target,
            RestoreProgress progress) {
        this.transaction = transaction;
        this.archive = archive;
        this.manifest = manifest;
        this.description = description;
        this.target = target;
        this.progress = progress;
    }

    void refuseUnlessTargetIsFree() throws SQLException, RecoveryException {
        if (TakenNames.of(transaction, schema()).contains(target.name())) {
            throw new RecoveryException(
                    "table " + target + " exists already",
                    "restore under another name, or drop it if it is left over from an earlier recovery");
        }
    }

    /** What the table needs, where that is missing; then the table without rows. */
    void create() throws SQLException, RecoveryException {
        for (Prerequisite prerequisite : description.prerequisites()) {
            createIfMissing(prerequisite);
        }
        if (!transaction.holds("EXISTS (SELECT FROM pg_namespace WHERE nspname = ?)", schema())) {
            throw new RecoveryException(
                    "schema " + schema() + " does not exist", "create it, or restore into a schema that exists");
        }
        names = RestoredNames.choose(description, target, TakenNames.of(transaction, schema()));
        run(ddl().beforeRows());
        keepToItsMaker();
        reached(Step.CREATED, 0);
    }

    /** Default privileges would show others the rows, without the policies that guarded them in the original. */
    private void keepToItsMaker() throws SQLException {
        List<String> relations = new ArrayList<>(List.of(target.quoted()));
        names().sequences().values().forEach(sequence -> relations.add(names().qualified(sequence)));
        for (String relation : relations) {
            for (String revoke : transaction.strings(
                    "SELECT DISTINCT format('REVOKE ALL ON %s %s FROM %s', "
                            + "CASE relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, c.oid::regclass, "
                            + "CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END) "
                            + "FROM pg_class c, aclexplode(relacl) a WHERE c.oid = to_regclass(?) "
                            + "AND a.grantee <> relowner",
                    relation)) {
                transaction.execute(revoke);
            }
        }
    }

    void load() throws SQLException, RecoveryException {
        long loaded = 0;
        for (SnapshotManifest.Chunk chunk : manifest.chunks()) {
            loaded += load(chunk);
            reached(Step.LOADING, loaded);
        }
        reached(Step.LOADED, loaded);
    }

    void constrain() throws SQLException, RecoveryException {
        run(ddl().afterRows());
        List<Constraint> leftOut = new ArrayList<>();
        for (Constraint key : ddl().foreignKeys()) {
            if (!add(key)) {
                leftOut.add(key);
            }
        }
        run(ddl().comments(leftOut));
        reached(Step.CONSTRAINED, manifest.rowCount());
    }

    /** The table, if it is what was stored. */
    RestoredTable validated() throws SQLException, RecoveryException {
        Validation validation = new Validator(transaction, manifest, description, names(), open).validate();
        if (!validation.holds()) {
            throw new RecoveryException(
                    "table " + target + " would not be what snapshot " + manifest.snapshotId() + " holds: "
                            + validation.failures().get(0),
                    "nothing was kept; see whether an event trigger or another version of the server changes what is "
                            + "created");
        }
        reached(Step.VALIDATED, manifest.rowCount());
        return new RestoredTable(manifest, description, names(), open, created, missing, validation);
    }

    /**
     * Tried, not insisted on: some of it is needed by what hangs on the table alone. What the table itself lacks stops its
     * own statements, with a message that names it.
     */
    private void createIfMissing(Prerequisite prerequisite) throws SQLException {
        if (transaction.holds(prerequisite.exists())) {
            return;
        }
        String subject = prerequisite.kind() + " " + prerequisite.identity();
        if (prerequisite.sql().isEmpty()) {
            missing.add(subject + " is missing, and the snapshot cannot tell how it was made");
            return;
        }
        try {
            transaction.attempt(String.join(";\n", prerequisite.sql()));
            created.add(subject);
        } catch (SQLException e) {
            missing.add(subject + " is missing and could not be created: " + ServerErrors.sentence(e));
        }
    }

    private long load(SnapshotManifest.Chunk chunk) throws RecoveryException {
        long loaded;
        try (InputStream rows = archive.rows(manifest, chunk)) {
            loaded = transaction.copyIn(
                    "COPY " + target.quoted() + columns() + " FROM STDIN "
                            + CopyFormat.of(manifest).options(manifest.encoding()),
                    rows);
        } catch (SQLException e) {
            throw ServerErrors.of("rows of " + chunk.name() + " could not be loaded into " + target, e);
        } catch (IOException e) {
            throw Restore.corrupt(manifest, e);
        }
        if (loaded != chunk.rows()) {
            throw new RecoveryException(
                    chunk.name() + " of snapshot " + manifest.snapshotId() + " gave " + loaded + " rows instead of "
                            + chunk.rows(),
                    "restore another snapshot; nothing was kept");
        }
        return loaded;
    }

    /** A table may have no columns to store; then the list has to be left out (PostgreSQL documentation, COPY). */
    private String columns() {
        List<String> names =
                manifest.columns().stream().map(SnapshotManifest.Column::name).toList();
        return names.isEmpty() ? "" : " (" + SqlText.list(names) + ")";
    }

    /** Whether the foreign key is there now, validated or not. */
    private boolean add(Constraint key) throws RecoveryException {
        try {
            transaction.attempt(ddl().addConstraint(key, key.definition()));
            return true;
        } catch (SQLException e) {
            String reason = ServerErrors.sentence(e);
            if (REFERENCE_MISSING.contains(ServerErrors.state(e))) {
                open.add(new OpenForeignKey(key.name(), key.definition(), OpenForeignKey.State.LEFT_OUT, reason));
                return false;
            }
            if (!ROWS_MISSING.equals(ServerErrors.state(e))) {
                throw ServerErrors.of("foreign key " + key.name() + " could not be created on " + target, e);
            }
            open.add(new OpenForeignKey(key.name(), key.definition(), OpenForeignKey.State.NOT_VALIDATED, reason));
        }
        run(List.of(new Ddl(
                "foreign key " + key.name(), ddl().addConstraint(key, key.definition() + OpenForeignKey.NOT_VALID))));
        return true;
    }

    private void run(List<Ddl> statements) throws RecoveryException {
        for (Ddl statement : statements) {
            try {
                transaction.execute(statement.sql());
            } catch (SQLException e) {
                throw ServerErrors.of(statement.subject() + " could not be created for " + target, e);
            }
        }
    }

    private void reached(Step step, long rows) {
        progress.reached(step, target, rows, manifest.rowCount());
    }

    private String schema() {
        return target.schema().orElseThrow();
    }

    private TableDdl ddl() {
        return new TableDdl(description, names());
    }

    private RestoredNames names() {
        return Objects.requireNonNull(names, "the table is created first");
    }
}
