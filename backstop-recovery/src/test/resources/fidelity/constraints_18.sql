-- since: 18
-- table: app.t
-- loss: DROP TABLE app.t CASCADE
CREATE SCHEMA app;
CREATE EXTENSION btree_gist;
CREATE TABLE app.times (id integer, during tstzrange, PRIMARY KEY (id, during WITHOUT OVERLAPS));
CREATE TABLE app.t (id integer CONSTRAINT "has id" NOT NULL, during tstzrange, n integer CONSTRAINT "has n" NOT NULL NO INHERIT,
    m integer, v integer GENERATED ALWAYS AS (n + 1) VIRTUAL,
    CONSTRAINT not_enforced CHECK (n > 0) NOT ENFORCED,
    CONSTRAINT t_key UNIQUE (id, during WITHOUT OVERLAPS),
    FOREIGN KEY (id, PERIOD during) REFERENCES app.times (id, PERIOD during));
ALTER TABLE app.t ADD CONSTRAINT "has m" NOT NULL m NOT VALID;
ALTER TABLE app.t ADD CONSTRAINT fk_off FOREIGN KEY (id, PERIOD during) REFERENCES app.times (id, PERIOD during) NOT ENFORCED;
CREATE TABLE app.incoming (id integer, during tstzrange, FOREIGN KEY (id, PERIOD during) REFERENCES app.t (id, PERIOD during));
