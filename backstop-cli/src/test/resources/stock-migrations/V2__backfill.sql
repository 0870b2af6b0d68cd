ALTER TABLE customer ADD COLUMN country text;
UPDATE customer SET country = 'FR';
ALTER TABLE customer ALTER COLUMN country SET NOT NULL, ALTER COLUMN country SET DEFAULT 'FR';
UPDATE orders SET state = 'paid' WHERE total < 1500;
ALTER TABLE customer RENAME COLUMN mail TO email;
