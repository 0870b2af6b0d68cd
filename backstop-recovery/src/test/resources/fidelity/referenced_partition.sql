-- table: app.p_1
-- loss: DROP TABLE app.p_1 CASCADE
CREATE SCHEMA app;
CREATE TABLE app.p (id integer PRIMARY KEY, up integer) PARTITION BY RANGE (id);
CREATE TABLE app.p_0 PARTITION OF app.p FOR VALUES FROM (0) TO (10);
CREATE TABLE app.p_1 PARTITION OF app.p FOR VALUES FROM (10) TO (20);
CREATE TABLE app.plain (id integer PRIMARY KEY, p integer REFERENCES app.p ON DELETE CASCADE);
COMMENT ON CONSTRAINT plain_p_fkey ON app.plain IS 'a key to all of it';
CREATE TABLE app.parted (k integer, p integer CONSTRAINT "To P" REFERENCES app.p) PARTITION BY LIST (k);
CREATE TABLE app.parted_1 PARTITION OF app.parted FOR VALUES IN (1);
INSERT INTO app.p VALUES (1, NULL), (11, NULL);
INSERT INTO app.plain VALUES (1, 1);
INSERT INTO app.parted VALUES (1, 1);
