-- table: app.far
-- table: app."Far ""Too"""
-- table: app.near
-- table: app.far_child
-- loss: DROP SCHEMA app CASCADE
-- loss: DROP TABLE app.near CASCADE; DROP FOREIGN TABLE app.far, app."Far ""Too""" CASCADE
-- loss: DROP EXTENSION file_fdw CASCADE; DROP SCHEMA app CASCADE
-- loss: DROP SERVER files CASCADE; DROP TABLE app.near CASCADE; DROP FOREIGN TABLE app."Far ""Too""" CASCADE
CREATE SCHEMA app;
GRANT USAGE ON SCHEMA app TO PUBLIC;
CREATE EXTENSION file_fdw;
CREATE EXTENSION postgres_fdw;
CREATE SERVER files TYPE 'a type' VERSION '1' FOREIGN DATA WRAPPER file_fdw;
CREATE SERVER "Nowhere ""Ö""" FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '/does/not/exist', dbname 'it''s');
ALTER SERVER files OWNER TO fidelity_owner;
GRANT USAGE ON FOREIGN SERVER files TO fidelity_reader WITH GRANT OPTION;
COMMENT ON SERVER files IS 'a server';
CREATE TYPE app.mood AS ENUM ('sad', 'ok');
CREATE FUNCTION app.audit() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE FOREIGN TABLE app.far (id integer NOT NULL, n bigint GENERATED ALWAYS AS (id * 2) STORED, mood app.mood DEFAULT 'ok',
    name text OPTIONS (force_null 'true') COLLATE "C" CONSTRAINT named NOT NULL, gone integer, CONSTRAINT positive CHECK (id > 0) NO INHERIT)
    SERVER files OPTIONS (filename '/does/not/exist', format 'csv', null 'it''s=null');
ALTER FOREIGN TABLE app.far DROP COLUMN gone;
ALTER FOREIGN TABLE app.far ADD CONSTRAINT later CHECK (id < 9) NOT VALID;
ALTER FOREIGN TABLE app.far ALTER COLUMN id SET STATISTICS 77, ALTER COLUMN id SET (n_distinct = 5), ALTER COLUMN name SET STORAGE EXTERNAL;
ALTER FOREIGN TABLE app.far OWNER TO fidelity_owner;
COMMENT ON FOREIGN TABLE app.far IS 'far away';
COMMENT ON COLUMN app.far.name IS 'a column';
COMMENT ON CONSTRAINT positive ON app.far IS 'a > 0';
GRANT SELECT ON app.far TO fidelity_granter WITH GRANT OPTION;
GRANT UPDATE (name) ON app.far TO fidelity_reader;
SET ROLE fidelity_granter;
GRANT SELECT ON app.far TO fidelity_reader;
RESET ROLE;
CREATE TRIGGER audit BEFORE INSERT ON app.far FOR EACH ROW EXECUTE FUNCTION app.audit();
ALTER FOREIGN TABLE app.far DISABLE TRIGGER audit;
CREATE STATISTICS app.far_stat ON id, name FROM app.far;
CREATE VIEW app.over AS SELECT id, name FROM app.far;
CREATE MATERIALIZED VIEW app.kept AS SELECT id FROM app.far WITH NO DATA;
CREATE FOREIGN TABLE app."Far ""Too""" (id serial, "A ""b" text OPTIONS (column_name 'x "y')) SERVER "Nowhere ""Ö""" OPTIONS (schema_name 's', table_name 't=1');
CREATE TABLE app.near (id integer DEFAULT 3, note text);
CREATE FOREIGN TABLE app.far_child (own integer) INHERITS (app.near) SERVER files OPTIONS (filename '/does/not/exist');
INSERT INTO app.near VALUES (1);
