-- table: app.p
-- table: app.p_1
-- table: app.p_2
-- table: app.p_2_a
-- loss: DROP TABLE app.p CASCADE
-- loss: ALTER TABLE app.p DROP COLUMN note
CREATE SCHEMA app;
CREATE TABLE app.p (id integer NOT NULL, k integer NOT NULL, note text) PARTITION BY RANGE (id);
CREATE TABLE app.p_1 PARTITION OF app.p FOR VALUES FROM (1) TO (10);
CREATE TABLE app.p_2 PARTITION OF app.p FOR VALUES FROM (10) TO (20) PARTITION BY LIST (k);
CREATE TABLE app.p_2_a PARTITION OF app.p_2 FOR VALUES IN (1);
ALTER TABLE ONLY app.p ADD CONSTRAINT p_key PRIMARY KEY (id, k);
ALTER TABLE ONLY app.p ADD CONSTRAINT "P unique" UNIQUE (k, id) WITH (fillfactor = 70) DEFERRABLE INITIALLY DEFERRED;
CREATE UNIQUE INDEX p_index ON ONLY app.p (id, k) TABLESPACE fidelity_space;
ALTER TABLE app.p_1 ADD CONSTRAINT p_1_key PRIMARY KEY (id, k);
ALTER INDEX app.p_key ATTACH PARTITION app.p_1_key;
ALTER TABLE ONLY app.p_2 ADD CONSTRAINT p_2_unique UNIQUE (k, id) DEFERRABLE INITIALLY DEFERRED;
ALTER INDEX app."P unique" ATTACH PARTITION app.p_2_unique;
CREATE TABLE app.q (id integer PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE app.q_1 PARTITION OF app.q DEFAULT;
COMMENT ON CONSTRAINT p_key ON app.p IS 'a key';
COMMENT ON INDEX app."P unique" IS 'an index';
INSERT INTO app.p VALUES (1, 1, 'a'), (10, 1, 'b');
