-- table: app.typed
-- table: app.fast
-- table: app.nothing
-- table: app.identified
-- table: app.told
-- loss: DROP TABLE app.typed, app.fast, app.nothing, app.identified, app.told
CREATE SCHEMA app;
CREATE TYPE app.pair AS (a integer, b text, c numeric);
CREATE TABLE app.typed OF app.pair (PRIMARY KEY (a), b WITH OPTIONS DEFAULT 'x' NOT NULL);
CREATE UNLOGGED TABLE app.fast (id serial PRIMARY KEY, n integer GENERATED ALWAYS AS IDENTITY);
CREATE TABLE app.nothing ();
INSERT INTO app.nothing DEFAULT VALUES;
INSERT INTO app.nothing DEFAULT VALUES;
CREATE TABLE app.identified (id integer) WITH (fillfactor = 70, autovacuum_enabled = off, toast.autovacuum_enabled = off, user_catalog_table = true);
ALTER TABLE app.identified ADD COLUMN long text;
ALTER TABLE app.identified REPLICA IDENTITY FULL;
CREATE TABLE app.told (id integer) TABLESPACE "Other Space";
ALTER TABLE app.told REPLICA IDENTITY NOTHING;
INSERT INTO app.typed VALUES (1, 'b', 2);
INSERT INTO app.fast DEFAULT VALUES;
