package io.backstop.jdbc.internal.pipeline.catalog;

import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.charset.UnsupportedCharsetException;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * How a server with a given encoding keeps the names that stand in a text (PostgreSQL's src/backend/parser/scansup.c): cut to
 * 63 bytes of its encoding, and in a single-byte encoding folded beyond ASCII, too, if its locale says so. Immutable,
 * thread-safe.
 */
final class ServerSpelling {
    /** NAMEDATALEN - 1 of an unmodified server. */
    private static final int LONGEST = 63;

    /** No encoding of a server takes more for a character. */
    private static final int BYTES_OF_CHARACTER = 4;

    /** The encodings of more than one byte a character that a server may have (documentation, 24.3). */
    private static final Map<String, String> MULTIBYTE = Map.of(
            "UTF8", "UTF-8",
            "EUC_JP", "EUC-JP",
            "EUC_JIS_2004", "EUC-JP",
            "EUC_CN", "GB2312",
            "EUC_KR", "EUC-KR",
            "EUC_TW", "x-EUC-TW",
            "MULE_INTERNAL", "UTF-8");

    private final String encoding;
    private final Charset charset;
    private final boolean singleByte;

    private ServerSpelling(String encoding, Charset charset, boolean singleByte) {
        this.encoding = encoding;
        this.charset = charset;
        this.singleByte = singleByte;
    }

    /** @param encoding as {@code SHOW server_encoding} has it */
    static ServerSpelling of(String encoding) {
        String multibyte = MULTIBYTE.get(encoding);
        if (multibyte != null) {
            return new ServerSpelling(encoding, charset(multibyte), false);
        }
        // SQL_ASCII keeps the bytes that pgjdbc sends, which are UTF-8; all others have a byte for each character.
        return new ServerSpelling(
                encoding,
                encoding.equals(CatalogSql.SQL_ASCII) ? StandardCharsets.UTF_8 : StandardCharsets.ISO_8859_1,
                true);
    }

    private static Charset charset(String name) {
        try {
            return Charset.forName(name);
        } catch (UnsupportedCharsetException e) {
            return StandardCharsets.UTF_8;
        }
    }

    /** As {@code SHOW server_encoding} has it. */
    String encoding() {
        return encoding;
    }

    /** As what a name may be kept: mostly as itself. */
    List<String> kept(String name) {
        boolean ascii = name.chars().allMatch(c -> c < 0x80);
        if (ascii && name.length() <= LONGEST) {
            return List.of(name);
        }
        String cut = cut(name);
        return singleByte && !ascii ? List.of(cut, cut(name.toLowerCase(Locale.ROOT))) : List.of(cut);
    }

    private String cut(String name) {
        if (name.length() * BYTES_OF_CHARACTER <= LONGEST) {
            return name;
        }
        int bytes = 0;
        int i = 0;
        while (i < name.length()) {
            int end = i + Character.charCount(name.codePointAt(i));
            bytes += name.substring(i, end).getBytes(charset).length;
            if (bytes > LONGEST) {
                break;
            }
            i = end;
        }
        return name.substring(0, i);
    }
}
