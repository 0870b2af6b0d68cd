package io.backstop.recovery.internal.text;

import java.util.HashSet;
import java.util.Set;

/** Names that nothing else has, none longer than PostgreSQL keeps (documentation, 4.1.1). Not thread-safe. */
public final class FreeNames {
    /** NAMEDATALEN - 1, in bytes of UTF-8. */
    private static final int LONGEST = 63;

    private final Set<String> taken;

    public FreeNames(Set<String> taken) {
        this.taken = new HashSet<>(taken);
    }

    /** The wanted name if it is free and short enough, else one that resembles it; taken from now on. */
    public String claim(String wanted) {
        String name = shortened(wanted, LONGEST);
        for (int i = 1; !taken.add(name); i++) {
            String suffix = "_" + i;
            name = shortened(wanted, LONGEST - suffix.length()) + suffix;
        }
        return name;
    }

    /** The name with that end, which says what it is: a long beginning gives way. */
    public static String withEnd(String name, String end) {
        return shortened(name, LONGEST - end.length()) + end;
    }

    /** The longest beginning that takes no more bytes in UTF-8, cut between characters. */
    public static String shortened(String name, int bytes) {
        int length = 0;
        int end = 0;
        while (end < name.length()) {
            int character = name.codePointAt(end);
            length += width(character);
            if (length > bytes) {
                return name.substring(0, end);
            }
            end += Character.charCount(character);
        }
        return name;
    }

    private static int width(int character) {
        if (character < 0x80) {
            return 1;
        }
        if (character < 0x800) {
            return 2;
        }
        return character < 0x10000 ? 3 : 4;
    }
}
