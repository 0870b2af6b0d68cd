package io.backstop.jdbc.internal.control.sqlite;

import io.backstop.jdbc.internal.control.Dialect;
import io.backstop.jdbc.internal.control.Migration;

import java.util.List;

/** SQLite's spelling (sqlite.org, SQL As Understood By SQLite). Stateless, thread-safe. */
final class SqliteDialect implements Dialect {
    /** Stores from before steps were numbered have all of it. */
    private static final Migration FIRST = new Migration(
            1,
            List.of(
                    """
        CREATE TABLE IF NOT EXISTS approvals (
            id TEXT PRIMARY KEY,
            request TEXT NOT NULL,
            binding TEXT NOT NULL,
            state TEXT NOT NULL,
            created_at INTEGER NOT NULL,
            expires_at INTEGER NOT NULL,
            decided_by TEXT,
            decided_at INTEGER)""",
                    "CREATE INDEX IF NOT EXISTS approvals_by_binding ON approvals (binding, created_at)",
                    "CREATE INDEX IF NOT EXISTS approvals_by_state ON approvals (state, created_at)",
                    """
        CREATE TABLE IF NOT EXISTS pause (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            reason TEXT NOT NULL,
            operator TEXT NOT NULL,
            since INTEGER NOT NULL)""",
                    """
        CREATE TABLE IF NOT EXISTS audit (
            sequence INTEGER PRIMARY KEY,
            event TEXT NOT NULL,
            hash TEXT NOT NULL)""",
                    """
        CREATE TABLE IF NOT EXISTS audit_head (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            sequence INTEGER NOT NULL,
            hash TEXT NOT NULL)""",
                    """
        CREATE TABLE IF NOT EXISTS refusals (
            agent_id TEXT NOT NULL,
            at INTEGER NOT NULL)""",
                    "CREATE INDEX IF NOT EXISTS refusals_by_agent ON refusals (agent_id, at)",
                    """
        CREATE TABLE IF NOT EXISTS quarantine (
            agent_id TEXT PRIMARY KEY,
            until INTEGER NOT NULL)""",
                    """
        CREATE TABLE IF NOT EXISTS heartbeats (
            sidecar TEXT PRIMARY KEY,
            at INTEGER NOT NULL)""",
                    """
        CREATE TABLE IF NOT EXISTS snapshots (
            snapshot_id TEXT PRIMARY KEY,
            created_at INTEGER NOT NULL,
            storage TEXT NOT NULL,
            manifest TEXT NOT NULL)""",
                    "CREATE INDEX IF NOT EXISTS snapshots_by_time ON snapshots (created_at)"));

    /** What ordinary writes have changed, which database and tables a sidecar covers, and which snapshots were relied on. */
    private static final Migration SECOND = new Migration(
            2,
            List.of(
                    """
        CREATE TABLE write_budget (
            entry TEXT NOT NULL,
            agent_id TEXT NOT NULL,
            database TEXT NOT NULL,
            relation INTEGER NOT NULL,
            changed INTEGER NOT NULL,
            deleted INTEGER NOT NULL,
            at INTEGER NOT NULL,
            expires_at INTEGER NOT NULL,
            PRIMARY KEY (entry, relation))""",
                    "CREATE INDEX write_budget_by_agent ON write_budget (agent_id, at)",
                    "CREATE INDEX write_budget_by_expiry ON write_budget (expires_at)",
                    "ALTER TABLE heartbeats ADD COLUMN database TEXT",
                    "ALTER TABLE heartbeats ADD COLUMN tables TEXT",
                    """
        CREATE TABLE snapshot_uses (
            snapshot_id TEXT PRIMARY KEY,
            at INTEGER NOT NULL)"""));

    /**
     * Requests name the session's settings, the snapshot and what else they bind; decisions carry a signature; a quarantine
     * names what led to it. A request from before names no settings, so that no statement is taken for it any more.
     */
    private static final Migration SIGNED_DECISIONS = new Migration(
            3,
            List.of(
                    "CREATE TABLE store_identity (id INTEGER PRIMARY KEY CHECK (id = 1), store_id TEXT NOT NULL)",
                    "INSERT INTO store_identity (id, store_id) VALUES (1, lower(hex(randomblob(16))))",
                    "ALTER TABLE approvals ADD COLUMN comment TEXT NOT NULL DEFAULT ''",
                    "ALTER TABLE approvals ADD COLUMN signer TEXT",
                    "ALTER TABLE approvals ADD COLUMN signature TEXT",
                    "ALTER TABLE refusals ADD COLUMN statement TEXT NOT NULL DEFAULT ''",
                    "ALTER TABLE quarantine ADD COLUMN since INTEGER NOT NULL DEFAULT 0",
                    "ALTER TABLE quarantine ADD COLUMN statements TEXT NOT NULL DEFAULT '[]'",
                    "CREATE TABLE spent_approvals (id TEXT PRIMARY KEY, at INTEGER NOT NULL)",
                    "INSERT INTO spent_approvals (id, at) SELECT id, expires_at FROM approvals WHERE state = 'CONSUMED'",
                    """
        UPDATE approvals SET binding = binding || char(10)
            || json_array(json('{}'), '', json_extract(request, '$.operation'), json_extract(request, '$.risk'), json('false'))""",
                    """
        UPDATE approvals SET request = json_set(json_remove(request, '$.role', '$.search_path'),
            '$.session', json_object('role', json_extract(request, '$.role'),
                'search_path', json_extract(request, '$.search_path'), 'settings', json('{}'), 'relations', ''),
            '$.snapshot', json('false'), '$.rules', json('[]'), '$.safer_way', '',
            '$.impact', json_object('tables', json('[]'), 'rows', null, 'note', ''),
            '$.signature_required', json('false'))"""));

    /** How large tables were before agents wrote to them. */
    private static final Migration TABLE_SIZES = new Migration(
            4,
            List.of(
                    "ALTER TABLE write_budget ADD COLUMN size INTEGER",
                    "CREATE INDEX write_budget_sizes ON write_budget (database, relation, at) WHERE size IS NOT NULL"));

    /** Which snapshots were relied on is told by the storage that holds them. */
    private static final Migration USES_IN_STORAGE = new Migration(5, List.of("DROP TABLE snapshot_uses"));

    /** Of which database of which server a heartbeat is; those from before do not say it, and count for no table. */
    private static final Migration HEARTBEATS_OF_SERVERS = new Migration(
            6,
            List.of(
                    "ALTER TABLE heartbeats ADD COLUMN system_identifier TEXT",
                    "ALTER TABLE heartbeats ADD COLUMN timeline INTEGER",
                    "ALTER TABLE heartbeats ADD COLUMN database_oid INTEGER"));

    /**
     * What audit records and snapshots are looked for by, in columns with indexes. Times are in nanoseconds since 1970; the
     * events hold them as text with a fraction of any length.
     */
    private static final Migration AUDIT_COLUMNS = new Migration(
            7,
            List.of(
                    "ALTER TABLE audit ADD COLUMN at INTEGER NOT NULL DEFAULT 0",
                    "ALTER TABLE audit ADD COLUMN risk TEXT NOT NULL DEFAULT ''",
                    "ALTER TABLE audit ADD COLUMN agent_id TEXT NOT NULL DEFAULT ''",
                    """
        UPDATE audit SET risk = coalesce(json_extract(event, '$.risk'), ''),
            agent_id = coalesce(json_extract(event, '$.agent_id'), ''),
            at = coalesce(strftime('%s', substr(json_extract(event, '$.at'), 1, 19)), 0) * 1000000000
                + CAST(substr(substr(rtrim(json_extract(event, '$.at'), 'Z'), 21) || '000000000', 1, 9) AS INTEGER)""",
                    "CREATE INDEX audit_by_time ON audit (at, sequence)",
                    "CREATE INDEX audit_by_risk ON audit (risk, at, sequence)",
                    "CREATE INDEX audit_by_agent ON audit (agent_id, at, sequence)",
                    "CREATE INDEX audit_by_agent_and_risk ON audit (agent_id, risk, at, sequence)",
                    "ALTER TABLE snapshots ADD COLUMN format_version INTEGER NOT NULL DEFAULT 0",
                    "UPDATE snapshots SET format_version = coalesce(json_extract(manifest, '$.format_version'), 0)"));

    private static final Migration ALERTS = new Migration(
            8,
            List.of(
                    """
        CREATE TABLE alerts (
            id TEXT PRIMARY KEY,
            kind TEXT NOT NULL,
            subject TEXT NOT NULL,
            message TEXT NOT NULL,
            raised_at INTEGER NOT NULL,
            last_at INTEGER NOT NULL,
            count INTEGER NOT NULL,
            acknowledged_by TEXT,
            acknowledged_at INTEGER)""",
                    "CREATE INDEX alerts_by_time ON alerts (last_at, id)",
                    "CREATE UNIQUE INDEX alerts_open ON alerts (kind, subject) WHERE acknowledged_at IS NULL"));

    @Override
    public List<Migration> migrations() {
        return List.of(
                FIRST,
                SECOND,
                SIGNED_DECISIONS,
                TABLE_SIZES,
                USES_IN_STORAGE,
                HEARTBEATS_OF_SERVERS,
                AUDIT_COLUMNS,
                ALERTS);
    }

    @Override
    public String tableNamed() {
        return "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?";
    }

    @Override
    public String insertionOrder() {
        return "rowid";
    }
}
