package io.backstop.jdbc.internal.pipeline.preview;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An expression or query as PostgreSQL's catalog stores it (src/backend/nodes/outfuncs.c): which functions it calls, and which
 * strings it holds. Read as it is stored, because the server would lock relations to write it as SQL. Immutable.
 *
 * @param functions the oids of what it calls, by a name or an operator
 * @param strings its constants that may be text
 */
record NodeTree(Set<Long> functions, List<String> strings) {
    private static final Pattern FUNCTION = Pattern.compile(":(?:funcid|opfuncid|aggfnoid|winfnoid) (\\d+)");
    private static final Pattern CONSTANT = Pattern.compile(":constvalue \\d+ \\[ ([-\\d ]+)]");
    private static final Pattern SPACE = Pattern.compile(" ");

    /** Length words that a value of variable length begins with (src/include/varatt.h). */
    private static final int LENGTH_BYTES = 4;

    NodeTree {
        functions = Set.copyOf(functions);
        strings = List.copyOf(strings);
    }

    static NodeTree of(String stored) {
        Set<Long> functions = new HashSet<>();
        Matcher function = FUNCTION.matcher(stored);
        while (function.find()) {
            functions.add(Long.valueOf(function.group(1)));
        }
        List<String> strings = new ArrayList<>();
        Matcher constant = CONSTANT.matcher(stored);
        while (constant.find()) {
            List<Integer> bytes =
                    SPACE.splitAsStream(constant.group(1)).map(Integer::valueOf).toList();
            if (bytes.size() > LENGTH_BYTES) {
                strings.add(text(bytes.subList(LENGTH_BYTES, bytes.size())));
            }
        }
        return new NodeTree(functions, strings);
    }

    private static String text(List<Integer> bytes) {
        byte[] text = new byte[bytes.size()];
        for (int i = 0; i < text.length; i++) {
            text[i] = bytes.get(i).byteValue();
        }
        return new String(text, StandardCharsets.UTF_8);
    }
}
