-- table: app.m
-- table: app.m_1
-- table: app.m_1a
-- table: app.m_2
-- loss: DROP TABLE app.m
CREATE SCHEMA app;
CREATE SEQUENCE app.own_numbers START 500;
CREATE TABLE app.m (id bigserial, k integer, n integer DEFAULT 1, PRIMARY KEY (id, k)) PARTITION BY LIST (k);
CREATE TABLE app.m_1 PARTITION OF app.m FOR VALUES IN (1) PARTITION BY RANGE (id);
CREATE TABLE app.m_1a PARTITION OF app.m_1 DEFAULT;
CREATE TABLE app.m_2 PARTITION OF app.m FOR VALUES IN (2);
ALTER TABLE app.m_1a ALTER id SET DEFAULT nextval('app.own_numbers'), ALTER n SET DEFAULT 7;
ALTER TABLE app.m_2 ALTER id DROP DEFAULT, ALTER n DROP DEFAULT;
INSERT INTO app.m (k) VALUES (1), (2);
