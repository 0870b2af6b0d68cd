-- table: app.t
-- table: app.u
-- loss: DROP TABLE app.t, app.u CASCADE
CREATE SCHEMA app;
CREATE ACCESS METHOD "Heap 2" TYPE TABLE HANDLER heap_tableam_handler;
CREATE TABLE app.t (id integer) USING "Heap 2" TABLESPACE fidelity_space;
CREATE TABLE app.u (id integer PRIMARY KEY);
CREATE MATERIALIZED VIEW app.m USING "Heap 2" AS SELECT * FROM app.t;
