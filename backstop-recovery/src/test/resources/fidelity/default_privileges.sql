-- table: app.t
-- table: app.revoked
-- loss: DROP TABLE app.t, app.revoked
CREATE SCHEMA app;
CREATE TABLE app.t (id serial);
CREATE TABLE app.revoked (id integer);
REVOKE ALL ON app.revoked FROM CURRENT_USER;
ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO fidelity_reader;
ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT USAGE ON SEQUENCES TO fidelity_reader;
