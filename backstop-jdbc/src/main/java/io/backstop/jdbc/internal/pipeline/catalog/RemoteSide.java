package io.backstop.jdbc.internal.pipeline.catalog;

import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.StatementAssessment;
import io.backstop.jdbc.internal.analysis.rule.EvaluatingCommands;
import io.backstop.jdbc.internal.pipeline.catalog.CatalogNames.Judgement;
import org.jspecify.annotations.Nullable;

import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Which names of a database reach a foreign table, on whose other side anything may run. Immutable apart from what the names
 * remember, thread-safe.
 *
 * @param all names that reach one when they are read or called
 * @param code those of them that are no relations: a command that defines something reads none
 * @param tables the foreign tables by the names of the relations that reach them
 * @param sampled a relation of which ANALYZE takes rows from a foreign table though it names none; empty where there is none
 */
record RemoteSide(CatalogNames all, CatalogNames code, Map<String, String> tables, Optional<String> sampled) {
    private static final Set<CommandTag> READING = Set.of(
            CommandTag.ANALYZE,
            CommandTag.CREATE_MATERIALIZED_VIEW,
            CommandTag.CREATE_TABLE_AS,
            CommandTag.EXECUTE,
            CommandTag.PREPARE,
            CommandTag.REFRESH_MATERIALIZED_VIEW,
            CommandTag.TRUNCATE);

    RemoteSide {
        tables = Map.copyOf(tables);
    }

    /** Whether it is known that a statement reaches none; false where that was not judged yet, too. */
    boolean isRememberedClear(StatementAssessment statement) {
        @Nullable Judgement judgement = names(statement).remembered(statement);
        return judgement != null
                && judgement.danger().isEmpty()
                && unnamed(statement).isEmpty();
    }

    /** What of the statement reaches which foreign table, in words whose subject is the statement. */
    Optional<String> reachedBy(StatementAssessment statement) {
        CatalogNames names = names(statement);
        Judgement judgement = names.judge(statement);
        names.remember(statement, judgement);
        return judgement.danger().or(() -> unnamed(statement)).map(this::words);
    }

    void forget(StatementAssessment statement) {
        all.forget(statement);
        code.forget(statement);
    }

    private CatalogNames names(StatementAssessment statement) {
        boolean reads = EvaluatingCommands.onRows(statement.tag())
                || READING.contains(statement.tag())
                || takesSamples(statement);
        return reads ? all : code;
    }

    private Optional<String> unnamed(StatementAssessment statement) {
        return sampled.filter(name -> takesSamples(statement) && CatalogNames.takesEveryTable(statement.mentions()));
    }

    private static boolean takesSamples(StatementAssessment statement) {
        return statement.holds(CommandTag.ANALYZE);
    }

    private String words(String name) {
        String table = tables.get(name);
        String where = ", on whose other side anything may run";
        if (table == null) {
            return "runs " + name + ", which reaches a foreign table" + where;
        }
        return "reaches foreign table " + table + (table.equals(name) ? "" : " through " + name) + where;
    }
}
