CREATE ROLE zoo_reader;
CREATE SCHEMA zoo;
CREATE SCHEMA "Odd Schema";
CREATE EXTENSION citext SCHEMA zoo;
CREATE TYPE zoo.mood AS ENUM ('sad', 'happy');
CREATE TYPE zoo.address AS (street text, number int);
CREATE DOMAIN zoo.positive AS int CHECK (VALUE > 0);
CREATE COLLATION zoo.plain FROM "C";
CREATE SEQUENCE zoo.tickets START 100;
CREATE FUNCTION zoo.shout(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT upper($1)';
CREATE FUNCTION zoo.stamp() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.note = ''stamped''; RETURN NEW; END';
CREATE OPERATOR zoo.=== (LEFTARG = int, RIGHTARG = int, FUNCTION = pg_catalog.int4eq);
CREATE OPERATOR CLASS zoo.int_ops FOR TYPE int USING btree AS
    OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 btint4cmp(int, int);
CREATE TABLE zoo.keepers (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name zoo.citext NOT NULL UNIQUE,
    mood zoo.mood DEFAULT 'happy',
    home zoo.address,
    age zoo.positive,
    code text COLLATE zoo.plain,
    ticket int DEFAULT nextval('zoo.tickets'),
    CONSTRAINT grown CHECK (age > 17) NO INHERIT,
    CONSTRAINT same CHECK (id OPERATOR(zoo.===) id));
CREATE INDEX keepers_shout ON zoo.keepers (zoo.shout(name::text)) WHERE age > 20;
CREATE INDEX keepers_ids ON zoo.keepers (id zoo.int_ops);
CREATE TABLE "Odd Schema"."Odd, Table" (
    "Id, 1" int, "on x" int, note text,
    CONSTRAINT "odd on key" PRIMARY KEY ("Id, 1", "on x"));
CREATE TABLE zoo.animals (
    id serial PRIMARY KEY,
    keeper int REFERENCES zoo.keepers ON UPDATE CASCADE ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
    mother int REFERENCES zoo.animals ON DELETE RESTRICT,
    a int DEFAULT 1, b int DEFAULT 2, note text,
    CONSTRAINT odd FOREIGN KEY (a, b) REFERENCES "Odd Schema"."Odd, Table" ("Id, 1", "on x") MATCH FULL ON DELETE SET DEFAULT);
ALTER TABLE zoo.animals ADD CONSTRAINT late CHECK (a > 0) NOT VALID;
CREATE TABLE zoo.partial_set (
    a int, b int, CONSTRAINT some_columns FOREIGN KEY (a, b) REFERENCES "Odd Schema"."Odd, Table" ("Id, 1", "on x") ON DELETE SET NULL (b));
CREATE TABLE zoo.visits (id int, day date NOT NULL, animal int REFERENCES zoo.animals, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE zoo.visits_2025 PARTITION OF zoo.visits FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE zoo.visits_2026 PARTITION OF zoo.visits FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE zoo.birds (wings int) INHERITS (zoo.animals);
CREATE VIEW zoo.happy AS SELECT name, home FROM zoo.keepers WHERE mood = 'happy';
CREATE MATERIALIZED VIEW zoo.counts AS SELECT keeper, count(*) AS animals FROM zoo.animals GROUP BY keeper;
CREATE TRIGGER stamped BEFORE INSERT ON zoo.animals FOR EACH ROW EXECUTE FUNCTION zoo.stamp();
CREATE RULE quiet AS ON DELETE TO zoo.keepers WHERE OLD.id < 0 DO INSTEAD NOTHING;
ALTER TABLE zoo.keepers ENABLE ROW LEVEL SECURITY;
CREATE POLICY grown_ups ON zoo.keepers USING (age > 17);
GRANT SELECT (name) ON zoo.keepers TO zoo_reader;
GRANT SELECT ON zoo.animals TO zoo_reader;
CREATE STATISTICS zoo.together ON a, b FROM zoo.animals;
COMMENT ON TABLE zoo.animals IS 'who lives here';
INSERT INTO "Odd Schema"."Odd, Table" VALUES (1, 2, 'one'), (3, 4, 'two');
INSERT INTO zoo.keepers (name, home, age, code) VALUES ('Ada', ROW('Main', 1), 30, 'x'), ('Bob', ROW('Side', 2), 40, 'y');
INSERT INTO zoo.animals (keeper, mother) VALUES (1, NULL), (2, 1), (NULL, 2);
INSERT INTO zoo.birds (keeper, wings) VALUES (1, 2);
INSERT INTO zoo.partial_set VALUES (1, 2), (NULL, NULL);
INSERT INTO zoo.visits VALUES (1, '2025-05-05', 1), (2, '2026-06-06', 2);
REFRESH MATERIALIZED VIEW zoo.counts;
