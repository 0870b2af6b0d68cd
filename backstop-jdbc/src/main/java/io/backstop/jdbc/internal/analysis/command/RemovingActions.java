package io.backstop.jdbc.internal.analysis.command;

import io.backstop.jdbc.internal.analysis.grammar.TokenCursor;
import io.backstop.jdbc.internal.analysis.scan.Keyword;
import io.backstop.jdbc.internal.analysis.scan.TokenKind;

/**
 * Says which actions of ALTER remove or replace a definition and leave every row as it is. Those that rewrite a
 * table, or switch a trigger or a rule on, are not among them, nor is another name for the whole. Stateless.
 */
final class RemovingActions {
    private RemovingActions() {}

    /** @param action a cursor of its own at the beginning of the action */
    static boolean removes(TokenCursor action) {
        if (action.accept(Keyword.DROP)) {
            return action.at(Keyword.CONSTRAINT);
        }
        if (action.accept(Keyword.ALTER)) {
            return action.at(Keyword.CONSTRAINT) || ofColumn(action);
        }
        if (action.accept(Keyword.SET)) {
            return action.atSymbol('(') || action.at(Keyword.SCHEMA);
        }
        if (action.accept(Keyword.DETACH)) {
            // CONCURRENTLY runs in no transaction.
            return action.find(Keyword.CONCURRENTLY, Keyword.FINALIZE) == action.end();
        }
        return action.acceptAny(
                Keyword.RESET,
                Keyword.DISABLE,
                Keyword.OWNER,
                Keyword.NO,
                Keyword.NOT,
                Keyword.REPLICA,
                Keyword.OPTIONS,
                Keyword.CLUSTER);
    }

    /** Of ALTER TYPE; what is added to a type takes nothing from it. */
    static boolean ofType(TokenCursor action) {
        return action.acceptAny(Keyword.SET, Keyword.OWNER)
                || (action.accept(Keyword.RENAME) && !action.at(Keyword.TO));
    }

    /** Of ALTER DOMAIN. */
    static boolean ofDomain(TokenCursor action) {
        return ofType(action) || action.at(Keyword.DROP);
    }

    /** Of what stands by itself and has settings alone: sequences and functions. */
    static boolean ofSettings(TokenCursor action) {
        return !action.at(Keyword.RENAME) && !action.at(Keyword.DEPENDS) && !action.at(Keyword.NO, Keyword.DEPENDS);
    }

    private static boolean ofColumn(TokenCursor action) {
        action.accept(Keyword.COLUMN);
        if (!action.atLabel() && !isNumber(action)) {
            return false;
        }
        action.skip();
        if (action.accept(Keyword.SET)) {
            return !action.at(Keyword.NOT)
                    && !action.at(Keyword.DATA)
                    && !action.at(Keyword.TYPE)
                    && !action.at(Keyword.EXPRESSION);
        }
        return action.acceptAny(Keyword.DROP, Keyword.RESET, Keyword.OPTIONS);
    }

    private static boolean isNumber(TokenCursor action) {
        return !action.done() && action.tokens().kind(action.position()) == TokenKind.NUMBER;
    }
}
