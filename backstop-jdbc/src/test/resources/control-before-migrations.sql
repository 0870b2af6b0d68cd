CREATE TABLE approvals (
    id TEXT PRIMARY KEY,
    request TEXT NOT NULL,
    binding TEXT NOT NULL,
    state TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    decided_by TEXT,
    decided_at INTEGER);
INSERT INTO "approvals" VALUES('appr_013a101c0651e2bc','{"sql":"DROP TABLE users","statement_sha256":"abababababababababababababababababababababababababababababababab","agent_id":"agent","database":"localhost:5432/shop","role":"app","search_path":"\"$user\", public","operation":"DROP TABLE","tables":["users"],"risk":"CRITICAL","reasons":["drops table users"]}','["abababababababababababababababababababababababababababababababab","agent","localhost:5432/shop","app","\"$user\", public"]','APPROVED',1793527200000,2108887200000,'ops',1793527200000);
INSERT INTO "approvals" VALUES('appr_c84485c20a3e9329','{"sql":"TRUNCATE orders","statement_sha256":"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd","agent_id":"agent","database":"localhost:5432/shop","role":"app","search_path":"\"$user\", public","operation":"TRUNCATE","tables":["orders"],"risk":"CRITICAL","reasons":["empties orders"]}','["cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd","agent","localhost:5432/shop","app","\"$user\", public"]','PENDING',1793527200000,2108887200000,NULL,NULL);
CREATE TABLE audit (
    sequence INTEGER PRIMARY KEY,
    event TEXT NOT NULL,
    hash TEXT NOT NULL);
INSERT INTO "audit" VALUES(1,'{"at":"2026-11-01T10:00:00Z","kind":"OPERATOR","agent_id":"ops","database":"","sql":"","statement_sha256":"","operation":"APPROVE","tables":[],"risk":"SAFE","outcome":"DROP TABLE of agent agent","approval_id":"appr_013a101c0651e2bc","snapshot_group":null}','1c4d7576e7e499d7ff56ff918669920bcd2b386daec5ee7bafbeccc56243de77');
INSERT INTO "audit" VALUES(2,'{"at":"2026-11-01T10:00:00Z","kind":"DECISION","agent_id":"agent","database":"localhost:5432/shop","sql":"SELECT 1","statement_sha256":"","operation":"SELECT","tables":[],"risk":"SAFE","outcome":"allowed","approval_id":null,"snapshot_group":null}','097f555f330a898abe56e73c0527d775fc5a6a62293b323345e721690cd70225');
INSERT INTO "audit" VALUES(3,'{"at":"2026-11-01T10:00:00Z","kind":"OPERATOR","agent_id":"ops","database":"","sql":"","statement_sha256":"","operation":"PAUSE","tables":[],"risk":"SAFE","outcome":"a bad day","approval_id":null,"snapshot_group":null}','3ebacadcffdb66901a4b75b29d38c9aa11f9a2f71a7669be56131c74e97a868f');
CREATE TABLE audit_head (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    sequence INTEGER NOT NULL,
    hash TEXT NOT NULL);
INSERT INTO "audit_head" VALUES(1,3,'3ebacadcffdb66901a4b75b29d38c9aa11f9a2f71a7669be56131c74e97a868f');
CREATE TABLE heartbeats (
    sidecar TEXT PRIMARY KEY,
    at INTEGER NOT NULL);
INSERT INTO "heartbeats" VALUES('sidecar-1',1793527200000);
CREATE TABLE pause (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    reason TEXT NOT NULL,
    operator TEXT NOT NULL,
    since INTEGER NOT NULL);
INSERT INTO "pause" VALUES(1,'a bad day','ops',1793527200000);
CREATE TABLE quarantine (
    agent_id TEXT PRIMARY KEY,
    until INTEGER NOT NULL);
INSERT INTO "quarantine" VALUES('bad-agent',4947127200000);
CREATE TABLE refusals (
    agent_id TEXT NOT NULL,
    at INTEGER NOT NULL);
CREATE TABLE snapshots (
    snapshot_id TEXT PRIMARY KEY,
    created_at INTEGER NOT NULL,
    storage TEXT NOT NULL,
    manifest TEXT NOT NULL);
CREATE INDEX approvals_by_binding ON approvals (binding, created_at);
CREATE INDEX approvals_by_state ON approvals (state, created_at);
CREATE INDEX refusals_by_agent ON refusals (agent_id, at);
CREATE INDEX snapshots_by_time ON snapshots (created_at);
