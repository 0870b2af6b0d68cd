CREATE OR REPLACE VIEW open_orders AS SELECT * FROM orders WHERE state = 'open' AND total > 0;
