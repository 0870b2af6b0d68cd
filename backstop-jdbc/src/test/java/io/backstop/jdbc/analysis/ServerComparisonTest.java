package io.backstop.jdbc.analysis;

import io.backstop.jdbc.internal.analysis.scan.IdentifierNames;
import io.backstop.jdbc.internal.analysis.scan.Keyword;
import io.backstop.jdbc.internal.analysis.scan.Lexer;
import io.backstop.jdbc.internal.analysis.scan.StringLiterals;
import io.backstop.jdbc.internal.analysis.scan.TokenKind;
import io.backstop.jdbc.internal.analysis.scan.TokenList;
import io.backstop.testing.PostgresExtension;
import io.backstop.testing.TestDatabase;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;

import static org.assertj.core.api.Assertions.assertThat;

/** Asks PostgreSQL itself where tokens end and what they mean. */
@ExtendWith(PostgresExtension.class)
class ServerComparisonTest {
    private static final int LITERALS = 3_000;
    private static final List<String> PARTS = List.of(
            "a",
            "''",
            "\\'",
            "\\\\",
            "\\n",
            "\\x61",
            "\\142",
            "\\u0063",
            "\\0064",
            "\\+000065",
            "!",
            "$",
            "$$",
            "\"",
            "--",
            "/*",
            "*/",
            ";",
            " ",
            "\n",
            "é",
            "\\",
            "?",
            "{",
            "'\n'",
            "' -- it's\n '",
            "' '");

    /** Words of PostgreSQL 19, all unreserved: an earlier server takes them for the names that they can be. */
    private static final Set<Keyword> NEW_IN_19 =
            EnumSet.of(Keyword.IGNORE, Keyword.LSN, Keyword.REPACK, Keyword.RESPECT, Keyword.WAIT);

    @Test
    void key_words_are_the_servers(TestDatabase database) throws SQLException {
        boolean earlier = Integer.parseInt(database.value("SHOW server_version_num")) < 190_000;
        List<String> expected = database.rows("SELECT word, catcode <> 'R' AND catcode <> 'T', catcode IN ('U', 'T') "
                + "FROM pg_get_keywords() ORDER BY word COLLATE \"C\"");
        List<String> actual = Arrays.stream(Keyword.values())
                .filter(keyword -> keyword != Keyword.NO_KEYWORD)
                .filter(keyword -> !earlier || !NEW_IN_19.contains(keyword))
                .map(keyword -> keyword.name().toLowerCase(Locale.ROOT) + "|" + letter(keyword.canNameObject()) + "|"
                        + letter(keyword.canNameFunction()))
                .sorted()
                .toList();
        assertThat(actual).containsExactlyInAnyOrderElementsOf(expected);
    }

    private static String letter(boolean value) {
        return value ? "t" : "f";
    }

    /** Whatever the server takes for one string is one string here, too, with the same value. */
    @Test
    void strings_end_where_the_server_ends_them(TestDatabase database) throws SQLException {
        Random random = new Random(1);
        List<String> prefixes = List.of("'", "E'", "N'", "e'", "U&'", "B'", "$$", "$t$");
        int compared = 0;
        try (Connection connection = database.connect();
                Statement statement = connection.createStatement()) {
            statement.setEscapeProcessing(false);
            for (boolean standard : new boolean[] {true, false}) {
                statement.execute("SET standard_conforming_strings = " + (standard ? "on" : "off"));
                for (int i = 0; i < LITERALS; i++) {
                    String literal = literal(random, prefixes.get(random.nextInt(prefixes.size())));
                    compared += compare(statement, literal, standard) ? 1 : 0;
                }
            }
        }
        assertThat(compared).isGreaterThan(LITERALS / 4);
    }

    private static String literal(Random random, String open) {
        String body = random.ints(random.nextInt(6), 0, PARTS.size())
                .mapToObj(PARTS::get)
                .collect(Collectors.joining());
        return open + body + (open.startsWith("$") ? open : "'");
    }

    private static boolean compare(Statement statement, String literal, boolean standard) throws SQLException {
        String value;
        try (ResultSet result = statement.executeQuery("SELECT (" + literal + ")::text")) {
            result.next();
            value = result.getString(1);
        } catch (SQLException e) {
            return false; // The server does not take it for an expression; then it never runs.
        }
        TokenList tokens = Lexer.scan(literal, standard);
        assertThat(tokens.size()).as(literal).isEqualTo(1);
        assertThat(tokens.kind(0).string()).as(literal).isTrue();
        if (tokens.kind(0) != TokenKind.BIT_STRING) {
            // N'x' is a character type, whose cast to text takes the spaces off its end.
            boolean padded = literal.startsWith("N");
            String actual = StringLiterals.value(tokens, 0);
            assertThat(padded ? actual.replaceAll(" +\\z", "") : actual)
                    .as(literal)
                    .isEqualTo(value);
        }
        return true;
    }

    @Test
    void names_are_folded_and_cut_as_the_server_does(TestDatabase database) throws SQLException {
        for (String name : List.of(
                "Abc",
                "ÄbC",
                "\"Abc\"",
                "\"a\"\"b\"",
                "U&\"\\0061!b\"",
                "U&\"!0061b\" UESCAPE '!'",
                "a$b1",
                "_x",
                "x".repeat(70),
                "\"" + "é".repeat(40) + "\"",
                "日本" + "x".repeat(60))) {
            TokenList tokens = Lexer.scan(name, true);
            assertThat(tokens.size()).as(name).isEqualTo(1);
            try (Connection connection = database.connect();
                    Statement statement = connection.createStatement();
                    ResultSet result = statement.executeQuery("SELECT 1 AS " + name)) {
                assertThat(IdentifierNames.name(tokens, 0))
                        .isEqualTo(result.getMetaData().getColumnLabel(1));
            }
        }
    }

    /** A semicolon that ends a statement for the server ends one here. */
    @Test
    void statements_end_where_the_server_ends_them(TestDatabase database) throws SQLException {
        Random random = new Random(2);
        List<String> parts = List.of(
                "SELECT 1",
                "SELECT 'a;b'",
                "SELECT $$;$$",
                "SELECT \"x;y\" FROM (SELECT 1 AS \"x;y\") s",
                "/* ; */ SELECT 2",
                "SELECT 3 -- ;\n",
                "SELECT E'\\';'",
                "SELECT 1 /* /* ; */ ; */",
                "",
                " ",
                "SELECT U&';'",
                "SELECT (1)");
        try (Connection connection = java.sql.DriverManager.getConnection(database.url() + "&preferQueryMode=simple");
                Statement statement = connection.createStatement()) {
            for (int i = 0; i < 500; i++) {
                List<String> chosen = new ArrayList<>();
                for (int j = random.nextInt(4); j >= 0; j--) {
                    chosen.add(parts.get(random.nextInt(parts.size())));
                }
                String sql = String.join(";", chosen);
                int results = 0;
                boolean more = statement.execute(sql);
                while (more) {
                    results++;
                    more = statement.getMoreResults();
                }
                assertThat(SqlAnalyzer.create().assess(sql).statements())
                        .as(sql)
                        .hasSize(results);
            }
        }
    }
}
