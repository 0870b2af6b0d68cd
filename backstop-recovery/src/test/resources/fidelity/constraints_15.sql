-- since: 15
-- table: app.t
-- loss: DROP TABLE app.t CASCADE
CREATE SCHEMA app;
CREATE TABLE app.parent (a integer, b integer, PRIMARY KEY (a, b));
CREATE TABLE app.t (id integer, a integer, b integer,
    UNIQUE NULLS NOT DISTINCT (id),
    FOREIGN KEY (a, b) REFERENCES app.parent ON DELETE SET NULL (b));
CREATE UNIQUE INDEX nulls_equal ON app.t (a) NULLS NOT DISTINCT;
