-- since: 15
-- table: app.t
-- loss: DROP TABLE app.t
CREATE SCHEMA app;
CREATE TABLE app.t (id integer PRIMARY KEY, secret text);
CREATE PUBLICATION part FOR TABLE app.t (id) WHERE (id > 3 AND id <> 7);
CREATE PUBLICATION whole_schema FOR TABLES IN SCHEMA app;
