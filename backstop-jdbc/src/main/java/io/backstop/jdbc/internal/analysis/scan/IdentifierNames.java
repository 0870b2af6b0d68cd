package io.backstop.jdbc.internal.analysis.scan;

import java.nio.charset.StandardCharsets;

/** The name that an identifier token stands for (documentation, 4.1.1). Stateless, thread-safe. */
public final class IdentifierNames {
    /** NAMEDATALEN - 1 of an unmodified server. */
    private static final int LONGEST = 63;

    private IdentifierNames() {}

    /** Whether the token can name a table, a column or another object. */
    public static boolean object(TokenList tokens, int index) {
        return switch (tokens.kind(index)) {
            case QUOTED_NAME, UNICODE_NAME -> true;
            case WORD ->
                tokens.keyword(index) == Keyword.NO_KEYWORD
                        || tokens.keyword(index).canNameObject();
            default -> false;
        };
    }

    /** Whether the token can name a function without a schema. */
    public static boolean function(TokenList tokens, int index) {
        return switch (tokens.kind(index)) {
            case QUOTED_NAME, UNICODE_NAME -> true;
            case WORD ->
                tokens.keyword(index) == Keyword.NO_KEYWORD
                        || tokens.keyword(index).canNameFunction();
            default -> false;
        };
    }

    /** Whether the token can follow a dot or AS: any word. */
    public static boolean label(TokenList tokens, int index) {
        return switch (tokens.kind(index)) {
            case QUOTED_NAME, UNICODE_NAME, WORD -> true;
            default -> false;
        };
    }

    /** The name: folded if unquoted, as it is if quoted, cut to the length that the server keeps. */
    public static String name(TokenList tokens, int index) {
        return truncate(whole(tokens, index));
    }

    /** The name at its full length, which a server with another encoding than UTF-8 may keep more of. */
    static String whole(TokenList tokens, int index) {
        int start = tokens.start(index);
        int end = tokens.end(index);
        String text = tokens.text();
        return switch (tokens.kind(index)) {
            case QUOTED_NAME -> unquote(text.substring(start + 1, end - 1));
            case UNICODE_NAME ->
                UnicodeEscapes.decode(unquote(text.substring(start + 3, end - 1)), tokens.escape(index));
            default -> fold(text, start, end);
        };
    }

    private static String unquote(String quoted) {
        return quoted.indexOf('"') < 0 ? quoted : quoted.replace("\"\"", "\"");
    }

    private static String fold(String text, int start, int end) {
        for (int i = start; i < end; i++) {
            if (CharacterClasses.fold(text.charAt(i)) != text.charAt(i)) {
                char[] folded = new char[end - start];
                for (int j = start; j < end; j++) {
                    folded[j - start] = CharacterClasses.fold(text.charAt(j));
                }
                return new String(folded);
            }
        }
        return text.substring(start, end);
    }

    private static String truncate(String name) {
        if (name.length() * 3 <= LONGEST || name.getBytes(StandardCharsets.UTF_8).length <= LONGEST) {
            return name;
        }
        int bytes = 0;
        int i = 0;
        while (i < name.length()) {
            int codePoint = name.codePointAt(i);
            bytes += codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4;
            if (bytes > LONGEST) {
                break;
            }
            i += Character.charCount(codePoint);
        }
        return name.substring(0, i);
    }
}
