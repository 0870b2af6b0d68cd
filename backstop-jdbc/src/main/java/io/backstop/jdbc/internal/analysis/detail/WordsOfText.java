package io.backstop.jdbc.internal.analysis.detail;

import io.backstop.api.analysis.MentionedNames;
import io.backstop.jdbc.internal.analysis.scan.NameCollector;
import io.backstop.jdbc.internal.analysis.scan.TokenList;
import io.backstop.jdbc.internal.analysis.scan.TokenSpan;

import java.util.HashSet;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Finds every word, name and operator of a text, in comments and strings too: more names than it means, and none less.
 * Stateless.
 */
public final class WordsOfText {
    /** Stands among the words where a value is cast. */
    public static final String CAST = "::";

    private static final Pattern WORD = Pattern.compile("[\\p{L}_][\\p{L}\\p{N}_$]*");

    private WordsOfText() {}

    /** The words, folded; names in quotes as they are, with their escapes decoded; and operators. */
    public static Set<String> in(String text) {
        Set<String> words = new HashSet<>();
        Matcher matcher = WORD.matcher(text);
        while (matcher.find()) {
            words.add(matcher.group().toLowerCase(Locale.ROOT));
        }
        for (TokenList tokens : NestedTexts.scan(text)) {
            MentionedNames names = NameCollector.collect(tokens, new TokenSpan(0, tokens.size()));
            for (int i = 0; i < names.size(); i++) {
                words.add(names.name(i));
            }
            words.addAll(names.operators());
            if (names.casts()) {
                words.add(CAST);
            }
        }
        words.removeIf(word -> word.indexOf('\0') >= 0); // the server has no such name
        return words;
    }
}
