package io.backstop.jdbc.analysis;

import java.util.List;

/** Fifty statements as web applications and workers send them. */
final class ApplicationStatements {
    static final int COUNT = 50;

    static final List<String> ALL = List.of(
            "SELECT id, email, name FROM users WHERE id = ?",
            "SELECT * FROM orders WHERE customer_id = ? ORDER BY created_at DESC LIMIT 20",
            "SELECT count(*) FROM sessions WHERE expires_at > now()",
            "SELECT o.id, o.total, c.name FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.status = ? AND o.created_at >= ?",
            "SELECT p.id, p.title, count(c.id) AS comments FROM posts p LEFT JOIN comments c ON c.post_id = p.id WHERE p.author_id = ? GROUP BY p.id, p.title HAVING count(c.id) > 3 ORDER BY comments DESC",
            "SELECT DISTINCT tag FROM post_tags WHERE post_id IN (?, ?, ?, ?)",
            "SELECT id FROM jobs WHERE state = 'queued' ORDER BY priority, id LIMIT 1 FOR UPDATE SKIP LOCKED",
            "SELECT u.*, r.name AS role FROM users u INNER JOIN user_roles ur ON ur.user_id = u.id INNER JOIN roles r ON r.id = ur.role_id WHERE u.active = true AND lower(u.email) = lower(?)",
            "SELECT coalesce(sum(amount), 0) FROM payments WHERE account_id = ? AND booked_on BETWEEN ? AND ?",
            "SELECT id, name, price * quantity AS value FROM stock WHERE warehouse_id = ? AND (price > 10 OR quantity < 5)",
            "SELECT EXISTS (SELECT 1 FROM users WHERE email = ?)",
            "SELECT d.name, avg(e.salary) OVER (PARTITION BY e.department_id) FROM employees e JOIN departments d ON d.id = e.department_id",
            "WITH recent AS (SELECT * FROM events WHERE at > now() - interval '1 day') SELECT kind, count(*) FROM recent GROUP BY kind",
            "SELECT id, title FROM articles WHERE title ILIKE ? OR body ILIKE ? ORDER BY published_at DESC OFFSET 40 LIMIT 20",
            "SELECT max(version) FROM schema_history WHERE success",
            "SELECT a.id, b.id FROM accounts a, accounts b WHERE a.parent_id = b.id AND a.currency <> b.currency",
            "SELECT name FROM products WHERE category_id = ANY (?) AND deleted_at IS NULL",
            "SELECT to_char(created_at, 'YYYY-MM') AS month, sum(total) FROM invoices WHERE tenant_id = ? GROUP BY 1 ORDER BY 1",
            "SELECT CASE WHEN score >= 90 THEN 'A' WHEN score >= 75 THEN 'B' ELSE 'C' END AS grade, count(*) FROM results GROUP BY grade",
            "SELECT c.id, (SELECT count(*) FROM orders o WHERE o.customer_id = c.id) AS orders FROM customers c WHERE c.region = ?",
            "SELECT nextval('order_number_seq')",
            "SELECT t.id, t.subject, t.updated_at, u.name FROM tickets t LEFT JOIN users u ON u.id = t.assignee_id WHERE t.status IN ('open', 'pending') AND t.team_id = ? ORDER BY t.updated_at LIMIT 50",
            "SELECT name, content FROM settings WHERE scope = 'global' UNION ALL SELECT name, content FROM settings WHERE scope = ?",
            "SELECT * FROM locations WHERE latitude BETWEEN ? AND ? AND longitude BETWEEN ? AND ?",
            "SELECT current_user, current_date",
            "INSERT INTO users (email, name, password_hash, created_at) VALUES (?, ?, ?, now())",
            "INSERT INTO audit_log (actor, action, subject, at) VALUES (?, ?, ?, ?)",
            "INSERT INTO order_items (order_id, product_id, quantity, price) VALUES (?, ?, ?, ?), (?, ?, ?, ?), (?, ?, ?, ?)",
            "INSERT INTO page_views (page, day, views) VALUES (?, ?, 1) ON CONFLICT (page, day) DO UPDATE SET views = page_views.views + 1",
            "INSERT INTO archive SELECT * FROM events WHERE at < ?",
            "INSERT INTO tags (name) VALUES (?) ON CONFLICT DO NOTHING",
            "INSERT INTO carts (id, user_id) VALUES (?, ?) RETURNING id",
            "UPDATE users SET last_login = now() WHERE id = ?",
            "UPDATE orders SET status = 'shipped', shipped_at = ? WHERE id = ? AND status = 'paid'",
            "UPDATE products SET stock = stock - ? WHERE id = ? AND stock >= ?",
            "UPDATE accounts SET balance = balance + ?, version = version + 1 WHERE id = ? AND version = ?",
            "UPDATE jobs SET state = 'running', worker = ? WHERE id = ?",
            "UPDATE users SET name = ?, email = ?, phone = ?, address = ?, city = ?, country = ? WHERE id = ?",
            "UPDATE notifications SET read = true WHERE user_id = ? AND id IN (?, ?, ?)",
            "UPDATE subscriptions s SET plan_id = p.id FROM plans p WHERE p.code = ? AND s.customer_id = ?",
            "DELETE FROM sessions WHERE expires_at < now()",
            "DELETE FROM cart_items WHERE cart_id = ? AND product_id = ?",
            "DELETE FROM user_roles WHERE user_id = ?",
            "DELETE FROM password_resets WHERE created_at < now() - interval '1 hour'",
            "BEGIN",
            "COMMIT",
            "ROLLBACK",
            "SET search_path = app, public",
            "SELECT 1",
            "SELECT id, payload FROM outbox WHERE published = false ORDER BY id LIMIT 100");

    private ApplicationStatements() {}
}
