DELETE FROM orders WHERE total > 1990;
DROP MATERIALIZED VIEW turnover;
ALTER TABLE customer DROP COLUMN country;
DROP INDEX orders_state;
DO $$ BEGIN IF EXISTS (SELECT FROM pg_class WHERE relname = 'legacy') THEN DROP TABLE legacy; END IF; END $$;
DROP TABLE IF EXISTS legacy;
TRUNCATE order_log;
