package com.example.shop;

import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

import java.util.List;

/** Users as JSON, read and written through the guarded data source. */
@RestController
@RequestMapping("/users")
public class UserController {
    private final JdbcTemplate jdbc;

    public UserController(JdbcTemplate jdbc) {
        this.jdbc = jdbc;
    }

    @GetMapping
    public List<User> list() {
        return jdbc.query(
                "SELECT id, name FROM users ORDER BY id", (row, number) -> new User(row.getLong(1), row.getString(2)));
    }

    @PostMapping
    public void add(@RequestBody User user) {
        jdbc.update("INSERT INTO users (id, name) VALUES (?, ?)", user.id(), user.name());
    }

    @PutMapping
    public void rename(@RequestBody User user) {
        jdbc.update("UPDATE users SET name = ? WHERE id = ?", user.name(), user.id());
    }

    @DeleteMapping
    public int deleteAll() {
        return jdbc.update("DELETE FROM users");
    }
}
