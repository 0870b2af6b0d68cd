package io.backstop.cli.analyze;

import io.backstop.api.analysis.RiskLevel;
import net.sf.jsqlparser.statement.Statement;
import net.sf.jsqlparser.statement.Statements;
import net.sf.jsqlparser.statement.alter.Alter;
import net.sf.jsqlparser.statement.alter.AlterOperation;
import net.sf.jsqlparser.statement.create.index.CreateIndex;
import net.sf.jsqlparser.statement.create.schema.CreateSchema;
import net.sf.jsqlparser.statement.create.view.CreateView;
import net.sf.jsqlparser.statement.delete.Delete;
import net.sf.jsqlparser.statement.drop.Drop;
import net.sf.jsqlparser.statement.grant.Grant;
import net.sf.jsqlparser.statement.insert.Insert;
import net.sf.jsqlparser.statement.merge.Merge;
import net.sf.jsqlparser.statement.select.Select;
import net.sf.jsqlparser.statement.truncate.Truncate;
import net.sf.jsqlparser.statement.update.Update;

import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/** The least risk that a statement has by its class in JSqlParser's tree. Of other classes it has no opinion. Stateless. */
final class JSqlParserRisk {
    private static final Set<String> WITH_ROWS = Set.of("TABLE", "SCHEMA", "DATABASE");

    private JSqlParserRisk() {}

    /** The worst of the statements; empty where there is none of which it has an opinion. */
    static Optional<RiskLevel> of(Statements statements) {
        Optional<RiskLevel> worst = Optional.empty();
        for (Statement statement : statements) {
            Optional<RiskLevel> risk = of(statement);
            if (risk.isEmpty()) {
                return Optional.empty();
            }
            worst = Optional.of(worst.map(risk.get()::worse).orElse(risk.get()));
        }
        return worst;
    }

    private static Optional<RiskLevel> of(Statement statement) {
        if (statement instanceof Delete delete) {
            return Optional.of(delete.getWhere() == null ? RiskLevel.CRITICAL : RiskLevel.WRITE);
        }
        if (statement instanceof Update update) {
            return Optional.of(update.getWhere() == null ? RiskLevel.CRITICAL : RiskLevel.WRITE);
        }
        if (statement instanceof Truncate) {
            return Optional.of(RiskLevel.CRITICAL);
        }
        if (statement instanceof Drop drop) {
            boolean rows = WITH_ROWS.contains(String.valueOf(drop.getType()).toUpperCase(Locale.ROOT));
            return Optional.of(rows ? RiskLevel.CRITICAL : RiskLevel.HIGH);
        }
        if (statement instanceof Alter alter) {
            return Optional.of(dropsColumn(alter) ? RiskLevel.CRITICAL : RiskLevel.HIGH);
        }
        if (statement instanceof Insert || statement instanceof Merge) {
            return Optional.of(RiskLevel.WRITE);
        }
        if (statement instanceof CreateIndex
                || statement instanceof CreateSchema
                || statement instanceof CreateView
                || statement instanceof Grant) {
            return Optional.of(RiskLevel.HIGH);
        }
        return statement instanceof Select ? Optional.of(RiskLevel.SAFE) : Optional.empty();
    }

    private static boolean dropsColumn(Alter alter) {
        return alter.getAlterExpressions() != null
                && alter.getAlterExpressions().stream()
                        .anyMatch(expression ->
                                expression.getOperation() == AlterOperation.DROP && expression.getColumnName() != null);
    }
}
