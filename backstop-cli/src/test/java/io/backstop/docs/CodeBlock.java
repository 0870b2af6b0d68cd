package io.backstop.docs;

import java.util.List;
import java.util.Objects;

/**
 * A fenced block of a page.
 *
 * @param page the page's path, for messages
 * @param line the number of its first line of text, from 1
 * @param language the word behind the fence; empty where there is none
 * @param mark the comment right before the block that says how to check it
 * @param lines its text, without the indentation of the fence
 */
record CodeBlock(String page, int line, String language, Mark mark, List<String> lines) {
    CodeBlock {
        Objects.requireNonNull(page, "page");
        Objects.requireNonNull(language, "language");
        Objects.requireNonNull(mark, "mark");
        lines = List.copyOf(lines);
    }

    String text() {
        return String.join("\n", lines);
    }

    /** Where it is, as compilers say it. */
    String place() {
        return page + ":" + line;
    }
}
