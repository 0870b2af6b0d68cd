CREATE TABLE order_log (order_id bigint, at timestamptz DEFAULT now(), total numeric);
CREATE FUNCTION log_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO order_log (order_id, total) VALUES (NEW.id, NEW.total);
    RETURN NEW;
END
$$;
CREATE TRIGGER log_order AFTER INSERT OR UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION log_order();
CREATE VIEW open_orders AS SELECT * FROM orders WHERE state = 'open';
CREATE MATERIALIZED VIEW turnover AS SELECT customer_id, sum(total) AS total FROM orders GROUP BY 1;
CREATE SEQUENCE invoice_number START 1000;
GRANT SELECT ON open_orders TO PUBLIC;
