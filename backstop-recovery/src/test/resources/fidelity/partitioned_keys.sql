-- table: app.p
-- table: app.p_1
-- loss: DROP TABLE app.p CASCADE
CREATE SCHEMA app;
CREATE TABLE app.p (id integer, k integer, other integer, PRIMARY KEY (id) WITH (fillfactor = 60)) PARTITION BY HASH (id);
ALTER TABLE app.p ADD CONSTRAINT two UNIQUE (k, id) INCLUDE (other) WITH (fillfactor = 70) USING INDEX TABLESPACE fidelity_space DEFERRABLE;
CREATE TABLE app.p_1 PARTITION OF app.p FOR VALUES WITH (MODULUS 1, REMAINDER 0);
INSERT INTO app.p VALUES (1, 1, 1), (2, NULL, 2);
