package io.backstop.jdbc.internal.control.postgres;

import io.backstop.jdbc.internal.control.Dialect;
import io.backstop.jdbc.internal.control.Migration;

import java.util.List;

/** PostgreSQL's spelling, of version 14 on. Stateless, thread-safe. */
final class PostgresDialect implements Dialect {
    /** The schema that holds the tables. */
    static final String SCHEMA = "backstop";

    /** A binding can be longer than a row of a B-tree index; a hash index holds any. */
    private static final Migration FIRST = new Migration(
            1,
            List.of(
                    "CREATE TABLE write_turn ()",
                    "CREATE TABLE store_identity (id integer PRIMARY KEY CHECK (id = 1), store_id text NOT NULL)",
                    "INSERT INTO store_identity (id, store_id) VALUES (1, replace(CAST(gen_random_uuid() AS text), '-', ''))",
                    """
        CREATE TABLE approvals (
            id text PRIMARY KEY,
            request text NOT NULL,
            binding text NOT NULL,
            state text NOT NULL,
            created_at bigint NOT NULL,
            expires_at bigint NOT NULL,
            decided_by text,
            decided_at bigint,
            comment text NOT NULL DEFAULT '',
            signer text,
            signature text,
            insertion bigint GENERATED ALWAYS AS IDENTITY)""",
                    "CREATE INDEX approvals_by_binding ON approvals USING hash (binding)",
                    "CREATE INDEX approvals_by_state ON approvals (state, created_at)",
                    "CREATE TABLE spent_approvals (id text PRIMARY KEY, at bigint NOT NULL)",
                    """
        CREATE TABLE pause (
            id integer PRIMARY KEY CHECK (id = 1),
            reason text NOT NULL,
            operator text NOT NULL,
            since bigint NOT NULL)""",
                    """
        CREATE TABLE audit (
            sequence bigint PRIMARY KEY,
            event text NOT NULL,
            hash text NOT NULL,
            at bigint NOT NULL,
            risk text NOT NULL,
            agent_id text NOT NULL)""",
                    "CREATE INDEX audit_by_time ON audit (at, sequence)",
                    "CREATE INDEX audit_by_risk ON audit (risk, at, sequence)",
                    "CREATE INDEX audit_by_agent ON audit (agent_id, at, sequence)",
                    "CREATE INDEX audit_by_agent_and_risk ON audit (agent_id, risk, at, sequence)",
                    """
        CREATE TABLE audit_head (
            id integer PRIMARY KEY CHECK (id = 1),
            sequence bigint NOT NULL,
            hash text NOT NULL)""",
                    "CREATE TABLE refusals (agent_id text NOT NULL, at bigint NOT NULL, statement text NOT NULL)",
                    "CREATE INDEX refusals_by_agent ON refusals (agent_id, at)",
                    """
        CREATE TABLE quarantine (
            agent_id text PRIMARY KEY,
            since bigint NOT NULL,
            until bigint NOT NULL,
            statements text NOT NULL)""",
                    """
        CREATE TABLE heartbeats (
            sidecar text PRIMARY KEY,
            at bigint NOT NULL,
            database text,
            tables text,
            system_identifier text,
            timeline bigint,
            database_oid bigint)""",
                    """
        CREATE TABLE snapshots (
            snapshot_id text PRIMARY KEY,
            created_at bigint NOT NULL,
            storage text NOT NULL,
            manifest text NOT NULL,
            format_version integer NOT NULL,
            insertion bigint GENERATED ALWAYS AS IDENTITY)""",
                    "CREATE INDEX snapshots_by_time ON snapshots (created_at)",
                    """
        CREATE TABLE write_budget (
            entry text NOT NULL,
            agent_id text NOT NULL,
            database text NOT NULL,
            relation bigint NOT NULL,
            changed bigint NOT NULL,
            deleted bigint NOT NULL,
            at bigint NOT NULL,
            expires_at bigint NOT NULL,
            size bigint,
            PRIMARY KEY (entry, relation))""",
                    "CREATE INDEX write_budget_by_agent ON write_budget (agent_id, at)",
                    "CREATE INDEX write_budget_by_expiry ON write_budget (expires_at)",
                    "CREATE INDEX write_budget_sizes ON write_budget (database, relation, at) WHERE size IS NOT NULL",
                    """
        CREATE TABLE alerts (
            id text PRIMARY KEY,
            kind text NOT NULL,
            subject text NOT NULL,
            message text NOT NULL,
            raised_at bigint NOT NULL,
            last_at bigint NOT NULL,
            count bigint NOT NULL,
            acknowledged_by text,
            acknowledged_at bigint)""",
                    "CREATE INDEX alerts_by_time ON alerts (last_at, id)",
                    "CREATE UNIQUE INDEX alerts_open ON alerts (kind, subject) WHERE acknowledged_at IS NULL"));

    @Override
    public List<Migration> migrations() {
        return List.of(FIRST);
    }

    @Override
    public String tableNamed() {
        return "SELECT 1 FROM pg_catalog.pg_tables WHERE schemaname = '" + SCHEMA + "' AND tablename = ?";
    }

    @Override
    public String insertionOrder() {
        return "insertion";
    }
}
