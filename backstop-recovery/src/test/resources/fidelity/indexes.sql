-- table: app.t
-- loss: DROP TABLE app.t
CREATE SCHEMA app;
CREATE FUNCTION app.twice(integer) RETURNS integer IMMUTABLE LANGUAGE sql AS 'SELECT 2 * $1';
CREATE TABLE app.t (id integer, b integer, words tsvector, name text, p point, other text);
CREATE UNIQUE INDEX t_lower ON app.t (lower(name) COLLATE "C" text_pattern_ops DESC NULLS LAST, id) INCLUDE (b) WHERE b > 5;
CREATE INDEX "an USING index" ON app.t USING hash (b) WITH (fillfactor = 50);
CREATE INDEX t_words ON app.t USING gin (words) WITH (fastupdate = off);
CREATE INDEX t_p ON app.t USING gist (p);
CREATE INDEX t_brin ON app.t USING brin (id int4_minmax_multi_ops (values_per_range = 16)) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX t_expression ON app.t (app.twice(id), (id + b), name);
ALTER INDEX app.t_expression ALTER COLUMN 1 SET STATISTICS 500, ALTER COLUMN 2 SET STATISTICS 3;
CREATE INDEX t_spaced ON app.t (id) TABLESPACE fidelity_space;
CREATE INDEX t_spaced_2 ON app.t (b) WITH (deduplicate_items = off) TABLESPACE "Other Space";
CREATE UNIQUE INDEX t_identity ON app.t (id);
ALTER TABLE app.t ALTER COLUMN id SET NOT NULL;
ALTER TABLE app.t REPLICA IDENTITY USING INDEX t_identity;
ALTER TABLE app.t CLUSTER ON t_spaced;
COMMENT ON INDEX app.t_lower IS 'an index';
INSERT INTO app.t SELECT i, i, to_tsvector(i::text), 'n' || i, point(i, i), repeat('x', 3000) FROM generate_series(1, 20) i;
