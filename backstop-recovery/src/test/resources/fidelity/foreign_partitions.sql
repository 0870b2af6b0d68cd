-- table: app.p
-- table: app.p_1
-- table: app.p_far
-- table: app.p_sub
-- table: app.p_sub_far
-- loss: DROP TABLE app.p
-- loss: DROP SCHEMA app CASCADE
-- loss: ALTER TABLE app.p DROP COLUMN more
CREATE SCHEMA app;
CREATE EXTENSION postgres_fdw;
CREATE SERVER nowhere FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '/does/not/exist');
CREATE TABLE app.p (id integer NOT NULL CHECK (id > 0), note text DEFAULT 'n', more integer) PARTITION BY RANGE (id);
CREATE INDEX p_id ON app.p (id);
CREATE TABLE app.p_1 PARTITION OF app.p FOR VALUES FROM (1) TO (10);
CREATE FOREIGN TABLE app.p_far PARTITION OF app.p (note DEFAULT 'far') FOR VALUES FROM (10) TO (20) SERVER nowhere OPTIONS (table_name 'x');
CREATE TABLE app.p_sub PARTITION OF app.p DEFAULT PARTITION BY HASH (note);
CREATE FOREIGN TABLE app.p_sub_far PARTITION OF app.p_sub FOR VALUES WITH (MODULUS 2, REMAINDER 1) SERVER nowhere;
ALTER FOREIGN TABLE app.p_far ALTER COLUMN note OPTIONS (ADD column_name 'text');
GRANT SELECT ON app.p_far TO fidelity_reader;
INSERT INTO app.p VALUES (1, 'a');
