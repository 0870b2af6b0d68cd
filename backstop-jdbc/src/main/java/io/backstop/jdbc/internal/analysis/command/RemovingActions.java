package io.backstop.jdbc.internal.analysis.command;

import io.backstop.jdbc.internal.analysis.grammar.TokenCursor;
import io.backstop.jdbc.internal.analysis.scan.Keyword;
import io.backstop.jdbc.internal.analysis.scan.TokenKind;

/**
 * Says which actions of ALTER TABLE remove or replace a definition and leave every row as it is. Those that rewrite the
 * table, or switch a trigger or a rule on or off, are not among them. Stateless.
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
        if (action.accept(Keyword.DISABLE)) {
            return action.at(Keyword.ROW);
        }
        if (action.accept(Keyword.DETACH)) {
            // CONCURRENTLY runs in no transaction.
            return action.find(Keyword.CONCURRENTLY, Keyword.FINALIZE) == action.end();
        }
        return action.acceptAny(
                Keyword.RESET,
                Keyword.OWNER,
                Keyword.NO,
                Keyword.NOT,
                Keyword.REPLICA,
                Keyword.OPTIONS,
                Keyword.CLUSTER);
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
