-- table: app.t
-- table: app.parent
-- loss: DROP TABLE app.t, app.parent CASCADE
-- loss: DROP TABLE app.t CASCADE; DROP TABLE app.parent CASCADE
CREATE SCHEMA app;
CREATE EXTENSION btree_gist;
CREATE TABLE app.parent (a integer, b integer, c integer PRIMARY KEY, CONSTRAINT parent_ab UNIQUE (a, b) INCLUDE (c));
CREATE TABLE app.t (
    id integer CONSTRAINT "The Key" PRIMARY KEY WITH (fillfactor = 60),
    up integer CONSTRAINT up_fk REFERENCES app.t ON DELETE SET NULL,
    a integer, b integer, c integer REFERENCES app.parent, period int4range, room integer, e integer UNIQUE,
    CONSTRAINT positive CHECK (a > 0),
    CONSTRAINT alone CHECK (b > 0) NO INHERIT,
    CONSTRAINT later_unique UNIQUE (a) DEFERRABLE INITIALLY DEFERRED,
    FOREIGN KEY (a, b) REFERENCES app.parent (a, b) MATCH FULL ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT no_overlap EXCLUDE USING gist (room WITH =, period WITH &&) WITH (fillfactor = 70)
        WHERE (room > 0) DEFERRABLE);
ALTER TABLE app.t ADD CONSTRAINT later CHECK (b > 0) NOT VALID;
ALTER TABLE app.t ADD CONSTRAINT later_fk FOREIGN KEY (room) REFERENCES app.parent NOT VALID;
ALTER TABLE app.t ADD CONSTRAINT "Spaced Out" UNIQUE (b, c) USING INDEX TABLESPACE fidelity_space;
CREATE TABLE app.child (id integer PRIMARY KEY, t integer CONSTRAINT "child of t" REFERENCES app.t ON DELETE CASCADE,
    t2 integer REFERENCES app.t (e) NOT DEFERRABLE);
COMMENT ON CONSTRAINT up_fk ON app.t IS 'to itself';
COMMENT ON CONSTRAINT positive ON app.t IS 'a > 0';
COMMENT ON CONSTRAINT "The Key" ON app.t IS 'a key';
COMMENT ON INDEX app."The Key" IS 'the index of a key';
COMMENT ON CONSTRAINT "child of t" ON app.child IS 'from elsewhere';
ALTER TABLE app.t CLUSTER ON "The Key";
INSERT INTO app.parent SELECT i, i, i FROM generate_series(1, 5) i;
INSERT INTO app.t SELECT i, nullif(i - 1, 0), i, i, i, int4range(i, i + 1), i FROM generate_series(1, 5) i;
INSERT INTO app.child SELECT i, i FROM generate_series(1, 5) i;
