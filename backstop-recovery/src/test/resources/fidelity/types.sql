-- table: app.every_type
-- loss: DROP TABLE app.every_type
CREATE SCHEMA app;
CREATE EXTENSION hstore SCHEMA app;
CREATE EXTENSION citext;
CREATE EXTENSION ltree;
CREATE TYPE app.mood AS ENUM ('sad', 'it''s ok');
CREATE DOMAIN app.positive AS integer DEFAULT 1 CONSTRAINT more CHECK (VALUE > 0);
CREATE DOMAIN app.moods AS app.mood[] NOT NULL;
CREATE TYPE app.pair AS (a integer, b text COLLATE "C", c app.mood[]);
CREATE TYPE app.span AS RANGE (subtype = float8, subtype_diff = float8mi, multirange_type_name = app.spans);
CREATE TABLE app.every_type (
    c1 smallint, c2 integer, c3 bigint, c4 numeric, c5 numeric(12,3), c6 real, c7 double precision, c8 money,
    c9 "char", c10 character(5), c11 varchar(20), c12 text, c13 name, c14 bytea, c15 bit(3), c16 bit varying(9),
    c17 boolean, c18 date, c19 time(2), c20 timetz, c21 timestamp, c22 timestamptz(3), c23 interval,
    c24 interval year to month, c25 interval day to second(2), c26 uuid, c27 json, c28 jsonb, c29 jsonpath, c30 xml,
    c31 inet, c32 cidr, c33 macaddr, c34 macaddr8, c35 point, c36 line, c37 lseg, c38 box, c39 path, c40 polygon,
    c41 circle, c42 tsvector, c43 tsquery, c44 int4range, c45 int8range, c46 numrange, c47 tsrange, c48 tstzrange,
    c49 daterange, c50 int4multirange, c51 datemultirange, c52 oid, c53 xid, c54 xid8, c55 tid, c56 pg_lsn,
    c57 regclass, c58 regtype, c59 regrole, c60 regprocedure, c61 regconfig, c62 pg_snapshot, c63 int2vector,
    c64 text[], c65 numeric(5,2)[][], c66 app.mood, c67 app.mood[], c68 app.positive, c69 app.moods, c70 app.pair,
    c71 app.pair[], c72 app.span, c73 app.spans, c74 app.hstore, c75 public.citext, c76 public.ltree,
    c77 public.lquery[], c78 oidvector, c79 refcursor, c80 cid, c81 regcollation, c82 regnamespace);
INSERT INTO app.every_type (c4, c6, c7, c14, c18, c21, c22, c28, c64, c69, c70, c71, c72, c73, c74, c75, c76)
VALUES ('NaN', '-Infinity', 'NaN', '\x00ff5c', '0044-03-15 BC', 'infinity', '-infinity', '{"a": [1, null]}',
    '[2:3]={a,NULL}', '{sad}', '(1,"a b",{sad})', '{"(1,\"x,y\",{})"}', '[1,2)', '{[1,2),[3,4)}', 'a=>1, b=>NULL',
    'AbC', 'a.b.c');
INSERT INTO app.every_type (c14, c28, c69)
SELECT decode(repeat(md5(i::text), 2000), 'hex'),
    (SELECT jsonb_object_agg(j, md5((i * j)::text)) FROM generate_series(1, 500) j), '{}'
FROM generate_series(1, 3) i;
