package io.backstop.jdbc.internal.analysis.detail;

import io.backstop.jdbc.internal.analysis.scan.Lexer;
import io.backstop.jdbc.internal.analysis.scan.StringLiterals;
import io.backstop.jdbc.internal.analysis.scan.TokenList;

import java.util.ArrayList;
import java.util.List;

/** Scans a text and the texts that stand in it as strings, as the body of a block does. Stateless. */
final class NestedTexts {
    /** The body of a block, a text that it runs, and one that this runs. */
    private static final int DEPTH = 3;

    private NestedTexts() {}

    /** The tokens of each, under either setting of standard_conforming_strings. */
    static List<TokenList> scan(String text) {
        List<TokenList> all = new ArrayList<>();
        scan(text, DEPTH, all);
        return all;
    }

    private static void scan(String text, int depth, List<TokenList> all) {
        for (boolean standardStrings : text.indexOf('\\') < 0 ? new boolean[] {true} : new boolean[] {true, false}) {
            TokenList tokens = Lexer.scan(text, standardStrings);
            all.add(tokens);
            for (int i = 0; depth > 0 && i < tokens.size(); i++) {
                if (tokens.kind(i).string()) {
                    scan(StringLiterals.value(tokens, i), depth - 1, all);
                }
            }
        }
    }
}
