-- table: app.t
-- loss: DROP TABLE app.t
CREATE SCHEMA app;
CREATE SCHEMA other;
CREATE TABLE app.t (id integer, a integer, b text);
CREATE STATISTICS app.one (dependencies, mcv) ON id, a FROM app.t;
CREATE STATISTICS other."Two" ON (a + 1), (lower(b)) FROM app.t;
ALTER STATISTICS app.one SET STATISTICS 99;
ALTER STATISTICS other."Two" OWNER TO fidelity_owner;
COMMENT ON STATISTICS app.one IS 'two columns';
