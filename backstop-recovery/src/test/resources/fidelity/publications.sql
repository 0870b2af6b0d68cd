-- table: app.t
-- loss: DROP TABLE app.t
CREATE SCHEMA app;
CREATE TABLE app.t (id integer PRIMARY KEY, secret text);
CREATE PUBLICATION plain FOR TABLE app.t;
CREATE PUBLICATION "Everything" FOR ALL TABLES;
