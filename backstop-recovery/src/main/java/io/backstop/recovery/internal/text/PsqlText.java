package io.backstop.recovery.internal.text;

/**
 * Writes SQL so that psql sends what is written: outside of quotes and comments it takes {@code :name}, {@code :'name'},
 * {@code :"name"} and {@code :{?name}} for its variables, as in the slice {@code a[1:n]}. A space after the colon means the
 * same to the server. Stateless.
 */
final class PsqlText {
    private static final char END = '\0';

    private final String sql;
    private final StringBuilder safe = new StringBuilder();
    private int at;

    private PsqlText(String sql) {
        this.sql = sql;
    }

    /** @param sql for {@code standard_conforming_strings = on} */
    static String safe(String sql) {
        return sql.indexOf(':') < 0 ? sql : new PsqlText(sql).written();
    }

    private String written() {
        while (at < sql.length()) {
            char c = sql.charAt(at);
            if (c == '\'') {
                copyTo(quoteEnd('\'', isEscaping()));
            } else if (c == '"') {
                copyTo(quoteEnd('"', false));
            } else if (c == '$' && !isPartOfName(at - 1)) {
                copyTo(dollarQuoteEnd());
            } else if (sql.startsWith("--", at)) {
                copyTo(after("\n"));
            } else if (sql.startsWith("/*", at)) {
                copyTo(commentEnd());
            } else if (sql.startsWith("::", at) || sql.startsWith(":=", at)) {
                copyTo(at + 2);
            } else {
                copyTo(at + 1);
                if (c == ':' && beginsVariable(character(at))) {
                    safe.append(' ');
                }
            }
        }
        return safe.toString();
    }

    private void copyTo(int end) {
        safe.append(sql, at, end);
        at = end;
    }

    private static boolean beginsVariable(char next) {
        return next == '\'' || next == '"' || next == '{' || isOfName(next);
    }

    private static boolean isOfName(char c) {
        return c == '_' || c >= 0x80 || Character.isLetterOrDigit(c);
    }

    private boolean isPartOfName(int position) {
        return position >= 0 && (isOfName(sql.charAt(position)) || sql.charAt(position) == '$');
    }

    /** Whether the string constant here is {@code E'…'}, in which a backslash quotes. */
    private boolean isEscaping() {
        return at > 0 && "eE".indexOf(sql.charAt(at - 1)) >= 0 && !isPartOfName(at - 2);
    }

    /** A doubled quote ends one constant and begins another, which comes to the same. */
    private int quoteEnd(char quote, boolean escaping) {
        for (int i = at + 1; i < sql.length(); i++) {
            if (escaping && sql.charAt(i) == '\\') {
                i++;
            } else if (sql.charAt(i) == quote) {
                boolean doubled = escaping && i + 1 < sql.length() && sql.charAt(i + 1) == quote;
                if (!doubled) {
                    return i + 1;
                }
                i++;
            }
        }
        return sql.length();
    }

    /** The end of a constant in dollar quotes; just behind the dollar where none begins here. */
    private int dollarQuoteEnd() {
        int tagEnd = at + 1;
        while (isOfName(character(tagEnd))) {
            tagEnd++;
        }
        if (character(tagEnd) != '$' || Character.isDigit(character(at + 1))) {
            return at + 1;
        }
        String tag = sql.substring(at, tagEnd + 1);
        int end = sql.indexOf(tag, tagEnd + 1);
        return end < 0 ? sql.length() : end + tag.length();
    }

    /** Comments of this kind may hold others (PostgreSQL documentation, 4.1.5). */
    private int commentEnd() {
        int depth = 0;
        for (int i = at; i < sql.length(); i++) {
            if (sql.startsWith("/*", i)) {
                depth++;
                i++;
            } else if (sql.startsWith("*/", i)) {
                depth--;
                i++;
                if (depth == 0) {
                    return i + 1;
                }
            }
        }
        return sql.length();
    }

    private int after(String end) {
        int found = sql.indexOf(end, at);
        return found < 0 ? sql.length() : found + end.length();
    }

    private char character(int position) {
        return position < sql.length() ? sql.charAt(position) : END;
    }
}
