-- table: app.t
-- loss: ALTER TABLE app.t DROP COLUMN name CASCADE
-- loss: ALTER TABLE app.t ALTER COLUMN id TYPE bigint
CREATE SCHEMA app;
GRANT USAGE ON SCHEMA app TO PUBLIC;
CREATE TABLE app.t (id serial PRIMARY KEY, name text, other integer UNIQUE);
INSERT INTO app.t (name, other) SELECT i, i FROM generate_series(1, 5) i;
CREATE INDEX t_name ON app.t (name) TABLESPACE fidelity_space;
CREATE INDEX t_other ON app.t ((other + 1));
ALTER INDEX app.t_other ALTER COLUMN 1 SET STATISTICS 11;
CREATE STATISTICS app.t_stat ON name, other FROM app.t;
CREATE TABLE app.child (t integer REFERENCES app.t);
CREATE FUNCTION app.audit() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER audit BEFORE INSERT ON app.t FOR EACH ROW EXECUTE FUNCTION app.audit();
GRANT SELECT ON app.t TO fidelity_granter WITH GRANT OPTION;
SET ROLE fidelity_granter;
GRANT SELECT ON app.t TO fidelity_reader;
RESET ROLE;
CREATE PUBLICATION swapped_pub FOR TABLE app.t;
CREATE MATERIALIZED VIEW app.m AS SELECT other FROM app.t;
CREATE VIEW app.v AS SELECT name FROM app.t;
ALTER TABLE app.t CLUSTER ON t_name;
