package io.backstop.jdbc.internal.analysis.query;

import io.backstop.api.analysis.RelationName;
import io.backstop.jdbc.internal.analysis.grammar.StatementReading;
import io.backstop.jdbc.internal.analysis.rule.FunctionRules;
import io.backstop.jdbc.internal.analysis.rule.Rule;
import io.backstop.jdbc.internal.analysis.rule.SettingRules;
import io.backstop.jdbc.internal.analysis.scan.IdentifierNames;
import io.backstop.jdbc.internal.analysis.scan.NameCollector;
import io.backstop.jdbc.internal.analysis.scan.TokenList;
import io.backstop.jdbc.internal.analysis.scan.TokenSpan;

import java.util.List;
import java.util.Optional;

/** Fires the rules of reviewed functions, in whatever place of the grammar their names stand. Stateless, thread-safe. */
public final class BuiltInCalls {
    private BuiltInCalls() {}

    /**
     * Looks at every token of a statement that evaluates expressions: a name before a parenthesis may be a call, and the type
     * of TREAT, and a name behind a dot, too. So no place of the grammar has to be known for it.
     */
    public static void everywhere(StatementReading reading, TokenSpan statement) {
        TokenList tokens = reading.tokens();
        for (int i = statement.from(); i < statement.to(); i++) {
            boolean called = NameCollector.mayCall(tokens, i, statement);
            boolean behindDot = i > statement.from() && tokens.symbol(i - 1, '.');
            if ((called || behindDot) && IdentifierNames.label(tokens, i)) {
                name(reading, statement, i, called, behindDot);
            }
        }
    }

    private static void name(StatementReading reading, TokenSpan statement, int i, boolean called, boolean behindDot) {
        TokenList tokens = reading.tokens();
        String name = IdentifierNames.name(tokens, i);
        if (!called) {
            attribute(reading, name);
            return;
        }
        boolean qualified = behindDot && i - 2 >= statement.from() && IdentifierNames.label(tokens, i - 2);
        Optional<String> schema = qualified ? Optional.of(IdentifierNames.name(tokens, i - 2)) : Optional.empty();
        call(reading, new RelationName(schema, name), arguments(tokens, statement, i));
    }

    /** None for the type of TREAT, whose one argument stands before it. */
    private static TokenSpan arguments(TokenList tokens, TokenSpan statement, int i) {
        return i + 1 < statement.to() && tokens.symbol(i + 1, '(')
                ? new TokenSpan(i + 2, Math.max(i + 2, tokens.partner(i + 1)))
                : new TokenSpan(i, i);
    }

    /** {@code name(arguments)}. */
    static void call(StatementReading reading, RelationName name, TokenSpan arguments) {
        FunctionRules.of(name.schema(), name.name())
                .filter(rule ->
                        rule != Rule.QUERY_FROM_TEXT || !rewritesTerms(reading.tokens(), name.name(), arguments))
                .ifPresent(rule -> fire(reading, rule, name.name()));
        if (name.name().equals(SettingRules.SET_CONFIG)) {
            SetConfigReader.read(reading, arguments);
        }
    }

    /** {@code value.name}, which calls the function where the value has no such column (documentation, 8.16.5). */
    static void attribute(StatementReading reading, String name) {
        FunctionRules.of(Optional.empty(), name).ifPresent(rule -> fire(reading, rule, name));
    }

    private static void fire(StatementReading reading, Rule rule, String function) {
        reading.facts().fire(rule, function);
        if (rule == Rule.UNSEEN_FUNCTION) {
            reading.facts().destroysBeyondRecovery(List.of(), false);
        }
    }

    /** ts_rewrite runs a query with two arguments; with three it only replaces terms. */
    private static boolean rewritesTerms(TokenList tokens, String function, TokenSpan arguments) {
        int commas = 0;
        for (int i = arguments.from(); i < arguments.to(); i++) {
            if (tokens.symbol(i, '(')) {
                i = tokens.partner(i);
            } else if (tokens.symbol(i, ',')) {
                commas++;
            }
        }
        return commas == 2 && function.equals("ts_rewrite");
    }
}
