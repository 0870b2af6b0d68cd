-- table: app.t
-- loss: DROP TABLE app.t CASCADE
CREATE SCHEMA app;
GRANT USAGE ON SCHEMA app TO PUBLIC;
CREATE TABLE app.t (a serial, b integer, c integer, d bigserial, e integer GENERATED ALWAYS AS IDENTITY);
CREATE SEQUENCE app.owned_only AS smallint START 3 MINVALUE 2 OWNED BY app.t.b;
CREATE SEQUENCE app.second_of_a OWNED BY app.t.a;
CREATE SEQUENCE app.of_c OWNED BY app.t.c;
ALTER TABLE app.t ALTER COLUMN c SET DEFAULT nextval('app.of_c') * 10;
ALTER TABLE app.t ALTER COLUMN b SET DEFAULT nextval('app.of_c');
ALTER TABLE app.t ALTER COLUMN d DROP DEFAULT;
CREATE TABLE app.other (n integer DEFAULT nextval('app.t_a_seq'));
CREATE VIEW app.seq_state AS SELECT last_value FROM app.owned_only;
GRANT USAGE ON SEQUENCE app.t_a_seq TO fidelity_reader WITH GRANT OPTION;
SET ROLE fidelity_reader;
GRANT USAGE ON SEQUENCE app.t_a_seq TO fidelity_granter;
RESET ROLE;
REVOKE ALL ON SEQUENCE app.of_c FROM CURRENT_USER;
COMMENT ON SEQUENCE app.t_e_seq IS 'an identity''s';
ALTER TABLE app.t OWNER TO fidelity_owner;
SELECT setval('app.t_a_seq', 42, false), setval('app.t_d_seq', 17), setval('app.t_e_seq', 3);
