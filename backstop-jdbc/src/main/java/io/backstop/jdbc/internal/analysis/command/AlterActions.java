package io.backstop.jdbc.internal.analysis.command;

import io.backstop.api.analysis.Destruction;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.analysis.RemovedDefinition;
import io.backstop.jdbc.internal.analysis.grammar.NotUnderstoodException;
import io.backstop.jdbc.internal.analysis.grammar.StatementReading;
import io.backstop.jdbc.internal.analysis.grammar.TokenCursor;
import io.backstop.jdbc.internal.analysis.query.ExpressionReader;
import io.backstop.jdbc.internal.analysis.rule.Rule;
import io.backstop.jdbc.internal.analysis.scan.Keyword;
import io.backstop.jdbc.internal.analysis.scan.TokenKind;
import io.backstop.jdbc.internal.analysis.scan.TokenList;
import io.backstop.jdbc.internal.analysis.scan.TokenSpan;

import java.util.ArrayList;
import java.util.List;

/** The actions of ALTER TABLE and its like, and of ALTER TYPE. Confined to one thread. */
final class AlterActions {
    private final TokenCursor cursor;
    private final TokenList tokens;
    private final StatementReading reading;
    private final boolean type;
    private boolean destroys;
    private boolean cascades;
    private boolean undefines;
    private boolean dropsConstraintsAlone = true;
    private boolean dropsWhatDependsOnThem;
    private final List<String> constraints = new ArrayList<>(0);

    AlterActions(TokenCursor cursor, StatementReading reading, boolean type) {
        this.cursor = cursor;
        this.tokens = cursor.tokens();
        this.reading = reading;
        this.type = type;
    }

    /** Reads the actions, separated by commas, to the end. */
    void read(RelationName name) {
        do {
            int end = actionEnd();
            action(new TokenCursor(tokens, new TokenSpan(cursor.position(), end)));
            cursor.moveTo(end);
        } while (cursor.acceptSymbol(','));
        cursor.requireDone();
        if (undefines) {
            reading.facts().undefines(type ? RemovedDefinition.Kind.TYPE : RemovedDefinition.Kind.RELATION, name);
        }
        if (dropsWhatDependsOnThem && dropsConstraintsAlone) {
            constraints.forEach(constraint -> reading.facts().undefinesConstraint(name, constraint));
            reading.facts().destroys(Destruction.Kind.DROP_OBJECT, List.of(name), true, false);
        }
        if (destroys && !type) {
            reading.facts().destroys(Destruction.Kind.ALTER_TABLE, List.of(name), cascades, false);
        }
        // What else it drops cannot be told from what goes with a constraint.
        boolean dropsMore = dropsWhatDependsOnThem && !dropsConstraintsAlone;
        if (dropsMore || (destroys && type)) {
            reading.facts().destroysBeyondRecovery(List.of(name), cascades);
        }
    }

    private int actionEnd() {
        int brackets = 0;
        int i = cursor.position();
        while (i < cursor.end()) {
            if (tokens.symbol(i, '(')) {
                i = tokens.partner(i);
            } else if (tokens.symbol(i, '[')) {
                brackets++;
            } else if (tokens.symbol(i, ']')) {
                brackets--;
            } else if (brackets == 0 && tokens.symbol(i, ',')) {
                return i;
            }
            i++;
        }
        return cursor.end();
    }

    private void action(TokenCursor action) {
        TokenCursor own = new TokenCursor(tokens, action.rest());
        undefines |= type ? RemovingActions.ofType(own) : RemovingActions.removes(own);
        dropsConstraintsAlone &= action.at(Keyword.DROP, Keyword.CONSTRAINT);
        switch (action.keyword()) {
            case DROP -> drop(action);
            case ALTER -> alter(action);
            case ADD -> {
                action.skip();
                requireMore(action);
                ExpressionReader.expression(reading, action.rest());
            }
            case VALIDATE,
                    RENAME,
                    SET,
                    RESET,
                    OWNER,
                    ENABLE,
                    DISABLE,
                    CLUSTER,
                    INHERIT,
                    NO,
                    OF,
                    NOT,
                    REPLICA,
                    FORCE,
                    ATTACH,
                    DETACH,
                    OPTIONS,
                    DEPENDS -> {
                action.skip();
                requireMore(action);
                ExpressionReader.expression(reading, action.rest());
            }
            default -> throw new NotUnderstoodException("expected an action of ALTER");
        }
    }

    private static void requireMore(TokenCursor action) {
        if (action.done()) {
            throw new NotUnderstoodException("expected more");
        }
    }

    private void drop(TokenCursor action) {
        action.require(Keyword.DROP);
        boolean constraint = action.accept(Keyword.CONSTRAINT);
        if (!constraint) {
            if (type) {
                action.require(Keyword.ATTRIBUTE);
            } else {
                action.accept(Keyword.COLUMN);
            }
        }
        action.ifExists();
        String name = action.name();
        boolean cascade = action.accept(Keyword.CASCADE);
        action.accept(Keyword.RESTRICT);
        action.requireDone();
        if (!constraint) {
            reading.facts().writes(name);
            reading.facts().fire(type ? Rule.DROP_ATTRIBUTE : Rule.DROP_COLUMN, name);
            destroys = true;
        }
        if (constraint) {
            constraints.add(name);
        }
        if (cascade) {
            reading.facts().fire(Rule.DROP_CASCADE, name);
            cascades = true;
            dropsWhatDependsOnThem |= constraint;
        }
    }

    private void alter(TokenCursor action) {
        action.require(Keyword.ALTER);
        if (action.accept(Keyword.CONSTRAINT)) {
            action.name();
            action.skipRest();
            return;
        }
        if (type) {
            action.require(Keyword.ATTRIBUTE);
        } else {
            action.accept(Keyword.COLUMN);
        }
        String name = column(action);
        requireMore(action);
        boolean retypes = action.accept(Keyword.TYPE) || action.accept(Keyword.SET, Keyword.DATA, Keyword.TYPE);
        if (retypes) {
            requireMore(action);
            reading.facts().writes(name);
            reading.facts().fire(type ? Rule.DROP_ATTRIBUTE : Rule.CHANGE_COLUMN_TYPE, name);
            destroys = true;
            cascades |= tokens.keyword(action.end() - 1) == Keyword.CASCADE;
        } else if (action.accept(Keyword.SET, Keyword.EXPRESSION)) {
            reading.facts().writes(name);
        } else if (!action.at(Keyword.SET)
                && !action.at(Keyword.DROP)
                && !action.at(Keyword.RESET)
                && !action.at(Keyword.ADD)
                && !action.at(Keyword.RESTART)
                && !action.at(Keyword.OPTIONS)) {
            throw new NotUnderstoodException("expected an action of ALTER COLUMN");
        }
        ExpressionReader.expression(reading, action.rest());
    }

    /** An index's columns are numbered. */
    private String column(TokenCursor action) {
        if (!action.done() && tokens.kind(action.position()) == TokenKind.NUMBER) {
            action.skip();
            return "";
        }
        return action.name();
    }
}
