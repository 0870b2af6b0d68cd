package io.backstop.jdbc.internal.analysis.query;

import io.backstop.jdbc.internal.analysis.grammar.StatementReading;
import io.backstop.jdbc.internal.analysis.rule.Rule;
import io.backstop.jdbc.internal.analysis.rule.SettingRules;
import io.backstop.jdbc.internal.analysis.scan.Keyword;
import io.backstop.jdbc.internal.analysis.scan.TokenKind;
import io.backstop.jdbc.internal.analysis.scan.TokenList;
import io.backstop.jdbc.internal.analysis.scan.TokenSpan;

/** A call of {@code set_config()}, which does what SET does. */
final class SetConfigReader {
    private SetConfigReader() {}

    /** Reads the arguments of {@code set_config(name, value, local)}. */
    static void read(StatementReading reading, TokenSpan arguments) {
        TokenList tokens = reading.tokens();
        int first = arguments.from();
        boolean literal = arguments.to() - first > 1 && tokens.kind(first).string() && tokens.symbol(first + 1, ',');
        for (int i = first; i < arguments.to() && literal; i++) {
            // Named arguments may come in any order.
            if (tokens.symbol(i, '(')) {
                i = tokens.partner(i);
            }
            literal = !tokens.operator(i, "=>")
                    && tokens.kind(i) != TokenKind.COLON_EQUALS
                    && tokens.keyword(i) != Keyword.VARIADIC;
        }
        if (!literal) {
            reading.facts().fire(Rule.UNKNOWN_SETTING);
            return;
        }
        String name = reading.literal(first);
        SettingRules.of(name).ifPresent(rule -> reading.facts().fire(rule, name));
    }
}
