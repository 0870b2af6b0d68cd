package io.backstop.recovery;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * A schema of which tables are lost, as a file of SQL. Comment lines at its head say which tables are stored, in SQL's
 * spelling ({@code -- table: app."Users"}), by which statements they are lost ({@code -- loss: DROP TABLE …}), each a
 * case of its own, and from which version of PostgreSQL on it can be made ({@code -- since: 15}).
 */
record Fixture(String name, String setup, List<String> tables, List<String> statements, int since) {

    static List<Fixture> all() throws IOException {
        List<Fixture> fixtures = new ArrayList<>();
        for (String name : read("index.txt").lines().toList()) {
            fixtures.add(of(name, read(name + ".sql")));
        }
        return fixtures;
    }

    /** What databases share: roles, tablespaces. */
    static String cluster() throws IOException {
        return read("cluster.sql");
    }

    private static Fixture of(String name, String setup) {
        return new Fixture(
                name,
                setup,
                heads(setup, "table"),
                heads(setup, "loss"),
                heads(setup, "since").stream()
                        .mapToInt(Integer::parseInt)
                        .findFirst()
                        .orElse(14));
    }

    private static List<String> heads(String setup, String key) {
        String start = "-- " + key + ": ";
        return setup.lines()
                .filter(line -> line.startsWith(start))
                .map(line -> line.substring(start.length()))
                .toList();
    }

    private static String read(String name) throws IOException {
        try (InputStream content = Fixture.class.getResourceAsStream("/fidelity/" + name)) {
            return new String(Objects.requireNonNull(content, name).readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    List<Loss> losses() {
        return statements.stream().map(sql -> new Loss(this, sql)).toList();
    }

    /** One way in which the tables of a fixture are lost. */
    record Loss(Fixture fixture, String sql) {
        @Override
        public String toString() {
            return fixture.name() + ": " + sql;
        }
    }
}
