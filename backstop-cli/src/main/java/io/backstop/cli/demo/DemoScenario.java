package io.backstop.cli.demo;

import io.backstop.api.approval.Approval;
import io.backstop.api.approval.ApprovalDecision;
import io.backstop.api.approval.ApprovalState;
import io.backstop.api.control.ControlStore;
import io.backstop.api.error.ApprovalRequiredException;
import io.backstop.api.error.BackstopException;
import io.backstop.api.error.StatementBlockedException;
import io.backstop.api.snapshot.SnapshotManifest;
import io.backstop.jdbc.approval.ApprovalService;
import io.backstop.jdbc.approval.Decider;
import io.backstop.jdbc.control.SqlControlStore;
import io.backstop.jdbc.operator.OperatorException;
import io.backstop.jdbc.operator.OperatorKey;
import io.backstop.jdbc.operator.OperatorKeyFile;
import io.backstop.jdbc.operator.OperatorList;
import io.backstop.jdbc.operator.OperatorsFile;
import io.backstop.recovery.GuidedRecovery;
import io.backstop.recovery.RecoveryReport;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.recovery.model.RestoreProgress;
import io.backstop.snapshot.archive.SnapshotArchive;
import io.backstop.snapshot.store.ObjectStore;
import io.backstop.snapshot.store.ObjectStores;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;

/** The demo's story: every figure in it was counted, and every step checks what it says. */
final class DemoScenario {
    private static final String AGENT = "cursor-local";
    private static final String DROP = "DROP TABLE users CASCADE";

    private final DemoNarrator story;
    private final DemoServer server;
    private final Path folder;
    private final OperatorKey operator = OperatorKey.create("demo-operator");

    DemoScenario(DemoNarrator story, DemoServer server, Path folder) {
        this.story = story;
        this.server = server;
        this.folder = folder;
    }

    private Path control() {
        return folder.resolve("backstop.db");
    }

    private OperatorsFile operators() {
        return new OperatorsFile(folder.resolve("operators"));
    }

    private String storage() {
        return folder.resolve("snapshots").toUri().toString();
    }

    String agentUrl() {
        return server.url().replaceFirst("^jdbc:", "jdbc:backstop:") + "&backstop.agentId=" + AGENT
                + "&backstop.control=" + control() + "&backstop.storage=" + storage()
                + "&backstop.operators=" + operators().path();
    }

    /** Writes the operator's key, so that more can be approved when the demo is over. */
    void keepOperator() throws IOException, OperatorException {
        String passphrase = UUID.randomUUID().toString();
        Set<PosixFilePermission> ownerOnly = PosixFilePermissions.fromString("rw-------");
        Files.createFile(passphraseFile(), PosixFilePermissions.asFileAttribute(ownerOnly));
        Files.writeString(passphraseFile(), passphrase);
        OperatorKeyFile.write(keyFile(), operator, passphrase.toCharArray());
    }

    String operatorOptions() {
        return "--operators " + operators().path() + " --operator-key " + keyFile() + " --passphrase-file "
                + passphraseFile();
    }

    private Path keyFile() {
        return folder.resolve("operator.key");
    }

    private Path passphraseFile() {
        return folder.resolve("operator.passphrase");
    }

    void run() throws SQLException, IOException, RecoveryException, OperatorException {
        Files.createDirectories(folder.resolve("snapshots"));
        operators().write(OperatorList.EMPTY.add(operator.operator(), operator.publicKey(), operator, Instant.now()));
        try (Connection truthConnection = server.connect()) {
            loadShop(truthConnection);
            try (Connection agent = DriverManager.getConnection(agentUrl())) {
                workAsUsual(agent);
                tryToDropTheDatabase(agent);
                DatabaseContents truth = DatabaseContents.of(truthConnection);
                String approvalId = askToDropTheTable(agent, truthConnection);
                approve(approvalId);
                loseTheTable(agent, truthConnection);
                bringItBack(truthConnection);
                compare(truth, DatabaseContents.of(truthConnection));
            }
            auditIsWhole();
        }
    }

    private void loadShop(Connection truth) throws SQLException, IOException {
        story.step("A shop on PostgreSQL");
        try (InputStream script = DemoScenario.class.getResourceAsStream("shop.sql");
                Statement statement = truth.createStatement()) {
            story.expect(script != null, "the demo's script is in the jar");
            statement.execute(new String(script.readAllBytes(), StandardCharsets.UTF_8));
        }
        story.seen("PostgreSQL " + value(truth, "SHOW server_version") + " at " + server.psqlUrl());
        story.seen(value(truth, "SELECT count(*) FROM users") + " users, "
                + value(truth, "SELECT count(*) FROM orders") + " orders, "
                + value(truth, "SELECT count(*) FROM order_items") + " items; foreign keys from orders to users,"
                + " a view over both");
    }

    private void workAsUsual(Connection agent) throws SQLException {
        story.step("Agent " + AGENT + " connects through jdbc:backstop: and works as usual");
        String select = "SELECT count(*) FROM orders WHERE state = 'paid'";
        story.seen(select + "  → " + value(agent, select));
        String update = "UPDATE users SET name = 'Ada Lovelace' WHERE id = 7";
        try (Statement statement = agent.createStatement()) {
            int updated = statement.executeUpdate(update);
            story.expect(updated == 1, "the scoped update changes one row");
            story.seen(update + "  → " + updated + " row");
        }
    }

    private void tryToDropTheDatabase(Connection agent) throws SQLException {
        story.step("The agent tries DROP DATABASE shop");
        BackstopException refusal = refused(agent, "DROP DATABASE shop");
        story.expect(refusal instanceof StatementBlockedException, "DROP DATABASE is blocked");
        story.seen("refused with " + refusal.getSQLState() + ": " + refusal.getMessage());
    }

    private String askToDropTheTable(Connection agent, Connection truth) throws SQLException {
        story.step("The agent tries " + DROP);
        BackstopException refusal = refused(agent, DROP);
        story.seen("held with " + refusal.getSQLState() + ": " + refusal.getMessage());
        story.expect(exists(truth, "users"), "the table is untouched while a human thinks");
        if (refusal instanceof ApprovalRequiredException held) {
            return held.approvalId();
        }
        throw new DemoNarrator.DemoFailure("DROP TABLE was not held but refused otherwise");
    }

    private void approve(String approvalId) throws SQLException {
        story.step("An operator looks at it and approves");
        try (ControlStore store = SqlControlStore.sqlite(control(), Clock.systemUTC())) {
            List<Approval> pending = store.approvals().list(ApprovalState.PENDING);
            story.expect(pending.size() == 1, "exactly one statement waits");
            story.seen("waiting: " + pending.get(0).request().sql() + " by "
                    + pending.get(0).request().agentId()
                    + ", " + pending.get(0).request().risk() + ": "
                    + String.join("; ", pending.get(0).request().reasons()));
            ApprovalDecision decision = new ApprovalService(store.approvals(), Optional.of(operator))
                    .approve(approvalId, Decider.named(operator.operator()))
                    .orElseThrow(() -> new DemoNarrator.DemoFailure("the request is in the control store"));
            story.expect(decision.approval().state() == ApprovalState.APPROVED, "the request is approved");
            story.seen(
                    "approved and signed " + approvalId + ", for this statement by this agent in this database, once");
        }
    }

    private void loseTheTable(Connection agent, Connection truth) throws SQLException, IOException {
        story.step("The agent sends " + DROP + " again");
        try (Statement statement = agent.createStatement()) {
            statement.execute(DROP);
        }
        try (ObjectStore store = ObjectStores.open(storage())) {
            // The ordinary UPDATE from before has one too, by which it could be undone.
            List<SnapshotManifest> manifests = new SnapshotArchive(store)
                    .list("public", "users").stream()
                            .filter(manifest -> !manifest.servesUndoAlone())
                            .toList();
            story.expect(manifests.size() == 1, "one valid snapshot of users is stored");
            SnapshotManifest manifest = manifests.get(0);
            new SnapshotArchive(store).verify(manifest);
            story.seen("before it ran, " + manifest.rowCount() + " rows went to " + manifest.snapshotId() + " ("
                    + manifest.storedBytes() / 1024 + " KiB), were read back and verified");
        }
        story.expect(!exists(truth, "users"), "the table is gone");
        story.expect(!exists(truth, "good_customers"), "the view is gone with it");
        story.seen("users is gone, and with it view good_customers and the foreign key of orders");
        BackstopException again = refused(agent, DROP);
        story.expect(again instanceof ApprovalRequiredException, "the approval cannot be used twice");
    }

    private void bringItBack(Connection truth) throws SQLException, IOException, RecoveryException {
        story.step("The operator runs: backstop recover --table users");
        RecoveryReport report;
        try (ObjectStore store = ObjectStores.open(storage())) {
            report = new GuidedRecovery(new SnapshotArchive(store)).recover(truth, "users", RestoreProgress.SILENT);
        }
        story.expect(report.validation().holds(), "the restored table is valid");
        story.seen("restored as " + report.target() + ", " + report.manifest().rowCount() + " rows; "
                + report.validation().checks().size() + " checks hold: rows, checksum, columns, keys, indexes");
        story.step("and then the copyback SQL that it printed");
        try (Statement statement = truth.createStatement()) {
            statement.execute(report.copyback().sql());
        }
        story.seen(report.copyback()
                        .sql()
                        .lines()
                        .filter(line -> !line.isBlank() && !line.startsWith("--"))
                        .count()
                + " lines, one transaction: the table has its name, keys, indexes, view and foreign keys back");
    }

    private void compare(DatabaseContents before, DatabaseContents after) {
        story.step("Compared with the truth kept before the loss");
        List<String> differences = before.differences(after);
        story.expect(differences.isEmpty(), "nothing differs, but: " + String.join("; ", differences));
        story.seen(after.rows() + " rows by hash, " + after.count("columns") + " columns, "
                + after.count("constraints") + " constraints, " + after.count("indexes") + " indexes, "
                + after.count("views") + " view, " + after.count("sequences") + " sequences, "
                + after.count("comments") + " comments: equal");
    }

    private void auditIsWhole() throws SQLException {
        try (ControlStore store = SqlControlStore.sqlite(control(), Clock.systemUTC())) {
            story.expect(store.audit().firstBroken().isEmpty(), "the audit's hash chain is whole");
        }
    }

    private static BackstopException refused(Connection agent, String sql) throws SQLException {
        try (Statement statement = agent.createStatement()) {
            statement.execute(sql);
        } catch (BackstopException e) {
            return e;
        }
        throw new DemoNarrator.DemoFailure("this ran and should not have: " + sql);
    }

    private static boolean exists(Connection connection, String relation) throws SQLException {
        return Boolean.parseBoolean(
                value(connection, "SELECT (to_regclass('public." + relation + "') IS NOT NULL)::text"));
    }

    private static String value(Connection connection, String query) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(query)) {
            row.next();
            return row.getString(1);
        }
    }
}
