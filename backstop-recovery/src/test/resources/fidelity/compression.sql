-- table: app.t
-- loss: DROP TABLE app.t
CREATE SCHEMA app;
CREATE TABLE app.t (x text COMPRESSION lz4, y text COMPRESSION pglz, z text);
INSERT INTO app.t SELECT repeat('x', 9000), repeat('y', 9000), repeat('z', 9000);
