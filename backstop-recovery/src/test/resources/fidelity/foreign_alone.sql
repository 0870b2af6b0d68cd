-- table: app.far
-- loss: DROP FOREIGN TABLE app.far CASCADE
CREATE SCHEMA app;
CREATE EXTENSION file_fdw;
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE FOREIGN TABLE app.far (id integer OPTIONS (force_not_null 'true') NOT NULL, "B" text DEFAULT 'b', CHECK (id > 0))
    SERVER files OPTIONS (filename '/does/not/exist', format 'csv');
COMMENT ON FOREIGN TABLE app.far IS 'far away';
GRANT SELECT ON app.far TO fidelity_reader;
CREATE VIEW app.over AS SELECT id FROM app.far;
