ALTER TABLE order_log ALTER COLUMN total TYPE numeric(12, 2);
