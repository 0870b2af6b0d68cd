-- table: app.p
-- table: app.p_1
-- table: app.p_2
-- table: app.p_2_a
-- table: app.p_2_b
-- table: app.p_d
-- loss: DROP TABLE app.p CASCADE
CREATE SCHEMA app;
CREATE TABLE app.ref (id integer PRIMARY KEY);
CREATE TABLE app.p (id integer GENERATED ALWAYS AS IDENTITY, k text COLLATE "C" DEFAULT 'a', r integer REFERENCES app.ref, extra integer, PRIMARY KEY (id, k)) PARTITION BY RANGE (id);
CREATE TABLE app.p_1 PARTITION OF app.p (extra DEFAULT 5, CONSTRAINT own CHECK (extra > 0)) FOR VALUES FROM (MINVALUE) TO (10) WITH (fillfactor = 70) TABLESPACE fidelity_space;
CREATE TABLE app.p_2 PARTITION OF app.p FOR VALUES FROM (10) TO (20) PARTITION BY LIST (k COLLATE "C" text_pattern_ops);
CREATE TABLE app.p_2_a (gone integer, k text COLLATE "C" NOT NULL, r integer, extra integer, id integer NOT NULL);
ALTER TABLE app.p_2_a DROP COLUMN gone;
ALTER TABLE app.p_2_a OWNER TO fidelity_owner;
ALTER TABLE app.p_2 ATTACH PARTITION app.p_2_a FOR VALUES IN ('a', 'it''s', NULL);
CREATE TABLE app.p_2_b PARTITION OF app.p_2 DEFAULT;
CREATE TABLE app.p_d PARTITION OF app.p DEFAULT;
CREATE INDEX p_k ON app.p (k);
CREATE INDEX p_extra ON ONLY app.p (extra);
CREATE INDEX p_1_extra ON app.p_1 (extra);
ALTER INDEX app.p_extra ATTACH PARTITION app.p_1_extra;
CREATE INDEX p_1_own ON app.p_1 (r);
ALTER TABLE app.p_1 CLUSTER ON p_1_own;
CREATE FUNCTION app.audit() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER audit BEFORE INSERT ON app.p FOR EACH ROW EXECUTE FUNCTION app.audit();
ALTER TABLE app.p_1 DISABLE TRIGGER audit;
CREATE TRIGGER own BEFORE INSERT ON app.p_1 FOR EACH ROW EXECUTE FUNCTION app.audit();
CREATE STATISTICS app.p_stat ON id, k FROM app.p;
COMMENT ON TABLE app.p IS 'partitioned';
COMMENT ON COLUMN app.p_1.k IS 'of a partition';
COMMENT ON INDEX app.p_pkey IS 'of all';
GRANT SELECT ON app.p_1 TO fidelity_reader;
CREATE TABLE app.incoming (id integer, k text COLLATE "C", FOREIGN KEY (id, k) REFERENCES app.p);
CREATE VIEW app.over_all AS SELECT * FROM app.p;
INSERT INTO app.ref VALUES (1);
INSERT INTO app.p (k, r) SELECT CASE WHEN i % 2 = 0 THEN 'a' ELSE 'b' END, 1 FROM generate_series(1, 30) i;
INSERT INTO app.incoming SELECT id, k FROM app.p;
