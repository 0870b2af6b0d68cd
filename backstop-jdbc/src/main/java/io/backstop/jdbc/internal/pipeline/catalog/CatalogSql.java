package io.backstop.jdbc.internal.pipeline.catalog;

import java.util.Collection;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** What questions to the catalog are made of. Stateless. */
public final class CatalogSql {
    /** FirstNormalObjectId of PostgreSQL's src/include/access/transam.h: below are initdb's own objects. */
    public static final long FIRST_USER_OID = 16384;

    private static final String USERS = FIRST_USER_OID + "::pg_catalog.oid";

    /** The encoding of a database that knows of none. */
    static final String SQL_ASCII = "SQL_ASCII";

    /** The bytes that pg_utf8_islegal of PostgreSQL's src/common/wchar.c takes, where each is a character by itself. */
    private static final String VALID = ("E'^(?:[\\\\u0001-\\\\u007f]"
                    + "|[\\\\u00c2-\\\\u00df]CONT"
                    + "|\\\\u00e0[\\\\u00a0-\\\\u00bf]CONT"
                    + "|[\\\\u00e1-\\\\u00ec\\\\u00ee\\\\u00ef]CONTCONT"
                    + "|\\\\u00ed[\\\\u0080-\\\\u009f]CONT"
                    + "|\\\\u00f0[\\\\u0090-\\\\u00bf]CONTCONT"
                    + "|[\\\\u00f1-\\\\u00f3]CONTCONTCONT"
                    + "|\\\\u00f4[\\\\u0080-\\\\u008f]CONTCONT)*$'")
            .replace("CONT", "[\\\\u0080-\\\\u00bf]");

    private static final Pattern OPERATOR = Pattern.compile(" (=|<>|<=|>=|<|>|~|-|&&) ");

    private CatalogSql() {}

    /**
     * A question in one line, with the number from which on objects are the user's in the place of USERS, and every operator
     * that stands between spaces qualified: on the session's search path it may mean anything.
     */
    public static String qualified(String sql) {
        return OPERATOR.matcher(sql.replace("USERS", USERS).replace('\n', ' ')).replaceAll(" OPERATOR(pg_catalog.$1) ");
    }

    /**
     * A question whose answers can be read whatever bytes they have: a database in SQL_ASCII takes any, and the server refuses
     * to send what is no UTF-8. Such a text comes with escapes, which no text of a client means. Itself for other encodings.
     *
     * @param encoding the server's
     * @param columns how many it answers with
     * @param texts those that hold names, from 1
     */
    public static String legible(String question, String encoding, int columns, Integer... texts) {
        return legible(question, encoding, columns, "", List.of(texts));
    }

    /** The same for the bodies of functions: what cannot be read may run anything, as a body with the word EXECUTE. */
    public static String legibleCode(String question, String encoding, int columns, Integer... bodies) {
        return legible(question, encoding, columns, "EXECUTE ", List.of(bodies));
    }

    private static String legible(String question, String encoding, int columns, String mark, List<Integer> texts) {
        if (!encoding.equals(SQL_ASCII)) {
            return question;
        }
        String names = IntStream.rangeClosed(1, columns).mapToObj(i -> "c" + i).collect(Collectors.joining(", "));
        String values = IntStream.rangeClosed(1, columns)
                .mapToObj(i -> texts.contains(i) ? legible("answer.c" + i, mark) : "answer.c" + i)
                .collect(Collectors.joining(", "));
        return "SELECT " + values + " FROM (" + question + ") AS answer (" + names + ")";
    }

    /** A name that can be read in any database, for a question that is the same in all of them. */
    public static String legibleName(String name) {
        return "CASE WHEN (SELECT pg_catalog.current_setting('server_encoding')) OPERATOR(pg_catalog.<>) '" + SQL_ASCII
                + "' THEN " + name + "::pg_catalog.text ELSE " + legible(name) + " END";
    }

    /** A text of a database in SQL_ASCII. */
    static String legible(String text) {
        return legible(text, "");
    }

    private static String legible(String text, String mark) {
        return "CASE WHEN " + text + "::pg_catalog.text COLLATE pg_catalog.\"C\" OPERATOR(pg_catalog.~) " + VALID
                + " THEN "
                + text + "::pg_catalog.text WHEN " + text + " IS NOT NULL THEN pg_catalog.concat('" + mark
                + "', pg_catalog.encode(pg_catalog.convert_to(" + text
                + "::pg_catalog.text, 'SQL_ASCII'), 'escape')) END";
    }

    /** An array as PostgreSQL writes it (documentation, 8.15.6). */
    public static String array(Collection<?> elements) {
        return elements.stream()
                .map(element ->
                        '"' + String.valueOf(element).replace("\\", "\\\\").replace("\"", "\\\"") + '"')
                .collect(Collectors.joining(",", "{", "}"));
    }
}
