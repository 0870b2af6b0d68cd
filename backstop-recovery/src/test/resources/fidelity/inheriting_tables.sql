-- table: app.c
-- table: app.d
-- table: app.e
-- loss: DROP TABLE app.e, app.d, app.c
CREATE SCHEMA app;
CREATE TABLE app.a (id integer NOT NULL DEFAULT 3, note text, CONSTRAINT positive CHECK (id > 0));
CREATE TABLE app.b (extra text NOT NULL, id integer);
CREATE TABLE app.c (own text, note text DEFAULT 'own default') INHERITS (app.b, app.a);
CREATE TABLE app.d (id integer NOT NULL, note text, CONSTRAINT positive CHECK (id > 0), more integer);
ALTER TABLE app.d INHERIT app.a;
CREATE TABLE app.e () INHERITS (app.c);
ALTER TABLE app.a ADD COLUMN late integer DEFAULT 5;
ALTER TABLE app.e ALTER COLUMN own SET NOT NULL;
INSERT INTO app.a (note) VALUES ('a');
INSERT INTO app.c (extra) VALUES ('c');
INSERT INTO app.d (id, more) VALUES (4, 5);
INSERT INTO app.e (extra, own) VALUES ('e', 'e');
