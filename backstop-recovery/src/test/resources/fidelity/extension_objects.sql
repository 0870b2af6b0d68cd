-- table: app.t
-- loss: DROP TABLE app.t CASCADE
CREATE SCHEMA app;
CREATE EXTENSION hstore;
CREATE EXTENSION pg_trgm SCHEMA app;
CREATE TABLE app.t (id integer PRIMARY KEY, h public.hstore, name text);
CREATE INDEX t_h ON app.t USING gin (h);
CREATE INDEX t_name ON app.t USING gin (name app.gin_trgm_ops);
CREATE INDEX t_sign ON app.t USING gist (name app.gist_trgm_ops (siglen = 32));
ALTER INDEX app.t_h DEPENDS ON EXTENSION hstore;
CREATE FUNCTION app.audit() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER audit BEFORE INSERT ON app.t FOR EACH ROW EXECUTE FUNCTION app.audit();
ALTER TRIGGER audit ON app.t DEPENDS ON EXTENSION hstore;
CREATE MATERIALIZED VIEW app.m AS SELECT id FROM app.t;
ALTER MATERIALIZED VIEW app.m DEPENDS ON EXTENSION hstore;
CREATE FUNCTION app.f(app.t) RETURNS integer LANGUAGE sql AS 'SELECT 1';
ALTER FUNCTION app.f(app.t) DEPENDS ON EXTENSION hstore;
