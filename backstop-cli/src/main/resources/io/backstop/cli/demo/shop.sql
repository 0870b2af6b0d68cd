-- A small shop: 20,000 users, 500 products, 120,000 orders and their items. The same rows every time.
SELECT setseed(0.42);

CREATE TYPE order_state AS ENUM ('new', 'paid', 'shipped', 'returned');

CREATE TABLE users (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email text NOT NULL UNIQUE,
    name varchar(80) NOT NULL,
    born date,
    balance numeric(12, 2) NOT NULL DEFAULT 0 CHECK (balance > -1000),
    tags text[] NOT NULL DEFAULT '{}',
    profile jsonb NOT NULL DEFAULT '{}',
    avatar bytea,
    token uuid NOT NULL DEFAULT gen_random_uuid(),
    created_at timestamptz NOT NULL DEFAULT now(),
    email_domain text GENERATED ALWAYS AS (split_part(email, '@', 2)) STORED
);
COMMENT ON TABLE users IS 'everybody who has an account';
COMMENT ON COLUMN users.token IS 'for password resets';

CREATE TABLE products (
    id serial PRIMARY KEY,
    sku char(8) NOT NULL UNIQUE,
    name text NOT NULL,
    price numeric(10, 2) NOT NULL CHECK (price > 0),
    weight real,
    available tstzrange
);

CREATE TABLE orders (
    id bigserial PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    state order_state NOT NULL DEFAULT 'new',
    placed_at timestamptz NOT NULL,
    note text
);

CREATE TABLE order_items (
    order_id bigint NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    position smallint NOT NULL,
    product_id integer NOT NULL REFERENCES products (id),
    quantity integer NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (order_id, position)
);

INSERT INTO users (email, name, born, balance, tags, profile, avatar, token, created_at)
SELECT 'user' || n || '@example-' || n % 7 || '.org',
    CASE WHEN n % 11 = 0 THEN E'Zoë "the \\ backslash" O''Neil ' ELSE 'User ' END || n,
    CASE WHEN n % 5 <> 0 THEN date '1950-01-01' + (n * 37 % 20000) END,
    round((random() * 5000)::numeric, 2),
    CASE WHEN n % 3 = 0 THEN ARRAY['vip', 'tab' || chr(9) || n] ELSE '{}' END,
    jsonb_build_object('theme', CASE WHEN n % 2 = 0 THEN 'dark' ELSE 'light' END, 'visits', n % 1000),
    CASE WHEN n % 10 = 0 THEN decode(md5(n::text), 'hex') END,
    md5('token' || n)::uuid,
    timestamptz '2024-01-01 00:00:00+00' + n * interval '17 minutes'
FROM generate_series(1, 20000) AS n;

INSERT INTO products (sku, name, price, weight, available)
SELECT 'P' || lpad(n::text, 7, '0'),
    'Product ' || n,
    round((1 + random() * 200)::numeric, 2),
    CASE WHEN n % 4 <> 0 THEN random() * 10 END,
    tstzrange(timestamptz '2024-01-01 00:00:00+00' + n * interval '1 day', NULL)
FROM generate_series(1, 500) AS n;

INSERT INTO orders (user_id, state, placed_at, note)
SELECT 1 + n * 7919 % 20000,
    (ARRAY['new', 'paid', 'shipped', 'returned']::order_state[])[1 + n % 4],
    timestamptz '2025-01-01 00:00:00+00' + n * interval '4 minutes',
    CASE WHEN n % 20 = 0 THEN 'gift' END
FROM generate_series(1, 120000) AS n;

INSERT INTO order_items (order_id, position, product_id, quantity)
SELECT o, p, 1 + (o * 31 + p * 17) % 500, 1 + (o + p) % 5
FROM generate_series(1, 120000) AS o, generate_series(1, 2) AS p;

CREATE INDEX users_name_lower ON users (lower(name));
CREATE INDEX users_with_credit ON users (balance) WHERE balance > 0;
CREATE INDEX orders_by_user ON orders (user_id, placed_at DESC);

CREATE VIEW good_customers AS
SELECT u.id, u.email, count(*) AS orders
FROM users AS u JOIN orders AS o ON o.user_id = u.id
WHERE o.state <> 'returned'
GROUP BY u.id, u.email;

ANALYZE;
