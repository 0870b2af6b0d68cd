-- table: app.t
-- loss: DROP TABLE app.t CASCADE
CREATE SCHEMA app;
GRANT USAGE ON SCHEMA app TO PUBLIC;
CREATE TABLE app.t (id integer, owner name, secret text);
CREATE TABLE app.other (id integer);
CREATE POLICY mine ON app.t AS RESTRICTIVE FOR SELECT TO fidelity_reader, "Fidelity ""Ö""" USING (owner = current_user);
CREATE POLICY "Add" ON app.t FOR INSERT WITH CHECK (id > 0);
CREATE POLICY through ON app.other USING (EXISTS (SELECT FROM app.t WHERE t.id = other.id));
COMMENT ON POLICY mine ON app.t IS 'own rows';
ALTER TABLE app.t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE app.other ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.t OWNER TO "Fidelity ""Ö""";
GRANT SELECT, INSERT ON app.t TO fidelity_granter WITH GRANT OPTION;
GRANT UPDATE (secret), SELECT (id) ON app.t TO PUBLIC;
GRANT UPDATE (owner) ON app.t TO fidelity_granter WITH GRANT OPTION;
SET ROLE fidelity_granter;
GRANT SELECT ON app.t TO fidelity_reader WITH GRANT OPTION;
GRANT UPDATE (owner) ON app.t TO fidelity_reader;
SET ROLE fidelity_reader;
GRANT SELECT ON app.t TO PUBLIC;
RESET ROLE;
REVOKE TRUNCATE, DELETE ON app.t FROM "Fidelity ""Ö""";
