-- table: app.t
-- table: app.u
-- loss: DROP TABLE app.t, app.u CASCADE
CREATE SCHEMA app;
CREATE TABLE app.t (id integer);
CREATE TABLE app.u (id integer);
CREATE VIEW app.v AS SELECT id FROM app.t;
CREATE FUNCTION app.f(app.t) RETURNS integer LANGUAGE sql AS 'SELECT 1';
ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO fidelity_reader;
ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT EXECUTE ON FUNCTIONS TO fidelity_reader;
CREATE VIEW app.granted AS SELECT id FROM app.u;
REVOKE SELECT ON app.granted FROM fidelity_reader;
GRANT SELECT ON app.granted TO fidelity_granter;
