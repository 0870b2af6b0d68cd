package io.backstop.jdbc.internal.pipeline.lookup;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.Finding;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.analysis.RuleId;
import io.backstop.api.analysis.StatementAssessment;
import io.backstop.jdbc.internal.analysis.detail.DropStatement;
import io.backstop.jdbc.internal.analysis.grammar.ObjectClass;
import io.backstop.jdbc.internal.analysis.rule.Rule;
import io.backstop.jdbc.internal.pipeline.lookup.CatalogChanges.Rows;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;

/**
 * A {@code DROP … CASCADE} of what has no rows, with which no table, view, column or default goes. The catalog says so before,
 * as far as names are looked up; afterwards the rows that it deleted in the catalogs say it in any case. Stateless.
 */
final class RowlessCascade {
    static final RuleId RULE = new RuleId("rowless-cascade");

    private static final Finding FINDING =
            new Finding(RULE, RiskLevel.HIGH, "removes an object on which nothing with rows depends");

    // Operators are qualified, because on the session's search path they may mean anything.
    private static final String GONE = """
            WITH RECURSIVE gone (classid, objid, objsubid) AS (
                SELECT named.classid::pg_catalog.oid, named.objid::pg_catalog.oid, 0
                FROM (%s) AS named (classid, objid)
                WHERE named.objid IS NOT NULL
                UNION SELECT n.classid, n.objid, n.objsubid FROM gone CROSS JOIN LATERAL (
                    SELECT d.classid, d.objid, d.objsubid FROM pg_catalog.pg_depend AS d
                    WHERE d.refclassid OPERATOR(pg_catalog.=) gone.classid AND d.refobjid OPERATOR(pg_catalog.=) gone.objid
                    UNION ALL
                    SELECT d.refclassid, d.refobjid, d.refobjsubid FROM pg_catalog.pg_depend AS d
                    WHERE d.classid OPERATOR(pg_catalog.=) gone.classid AND d.objid OPERATOR(pg_catalog.=) gone.objid
                    AND d.objsubid OPERATOR(pg_catalog.=) gone.objsubid
                    AND d.deptype OPERATOR(pg_catalog.=) 'i'::pg_catalog."char") AS n),
            relations AS (
                SELECT c.oid, gone.objsubid, c.relkind FROM gone JOIN pg_catalog.pg_class AS c
                    ON c.oid OPERATOR(pg_catalog.=) gone.objid
                WHERE gone.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass)
            SELECT EXISTS (SELECT FROM relations
                    WHERE objsubid OPERATOR(pg_catalog.<>) 0
                    OR relkind OPERATOR(pg_catalog.<>) ALL ('{i,I,S,c}'::pg_catalog."char"[]))
                OR EXISTS (SELECT FROM gone
                    WHERE classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_attrdef'::pg_catalog.regclass)
                OR EXISTS (SELECT FROM relations JOIN pg_catalog.pg_depend AS d
                    ON d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
                    AND d.objid OPERATOR(pg_catalog.=) relations.oid AND d.refobjsubid OPERATOR(pg_catalog.<>) 0
                    WHERE relations.relkind OPERATOR(pg_catalog.=) 'S')
            """;

    private RowlessCascade() {}

    /** Empty where a relation, a column or a default is known to go with it. */
    static Optional<HarmlessDrop> find(Connection connection, DropStatement drop) throws SQLException {
        Optional<String> question = question(drop.objects());
        if (question.isPresent()) {
            for (RelationName name : drop.names()) {
                boolean goes = question.get().contains(HarmlessDrop.NAMED)
                        ? HarmlessDrop.answer(connection, question.get(), HarmlessDrop.parameters(question.get(), name))
                        : HarmlessDrop.answer(connection, question.get(), name.quoted());
                if (goes) {
                    return Optional.empty();
                }
            }
        }
        return Optional.of(new HarmlessDrop(RULE, RiskLevel.HIGH, RowlessCascade::isRowless));
    }

    private static String question(String catalog, String oid) {
        return GONE.formatted("SELECT 'pg_catalog." + catalog + "'::pg_catalog.regclass, " + oid);
    }

    /** Of all functions of a name. Empty for classes that are not looked up. */
    private static Optional<String> question(ObjectClass objects) {
        return switch (objects) {
            case TYPE, DOMAIN -> Optional.of(question("pg_type", "pg_catalog.to_regtype(?)"));
            case SEQUENCE, INDEX -> Optional.of(question("pg_class", "pg_catalog.to_regclass(?)"));
            case COLLATION -> Optional.of(question("pg_collation", "pg_catalog.to_regcollation(?)"));
            case EXTENSION ->
                Optional.of(question(
                        "pg_extension",
                        "(SELECT e.oid FROM pg_catalog.pg_extension AS e WHERE e.extname" + HarmlessDrop.NAMED + ")"));
            case FUNCTION, PROCEDURE, ROUTINE, AGGREGATE ->
                Optional.of(GONE.formatted(
                        "SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass, o.oid FROM pg_catalog.pg_proc AS o"
                                + " JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) o.pronamespace"
                                + " WHERE o.proname" + HarmlessDrop.NAMED + HarmlessDrop.IN_SCHEMA));
            default -> Optional.empty();
        };
    }

    /**
     * Tables and views are there as before, whatever went with it. A column that goes stays in pg_attribute, marked; what is
     * emptied or rewritten gets another file in pg_class, where a table counts its CHECK constraints, too.
     */
    private static boolean isRowless(CatalogChanges changes) {
        Rows relations = changes.ofCatalog("pg_class");
        return changes.relations().isEmpty()
                && changes.onlyInCatalogs()
                && relations.inserted() == 0
                && relations.updated() <= changes.ofCatalog("pg_constraint").deleted()
                && changes.ofCatalog("pg_attribute").updated() == 0
                && changes.ofCatalog("pg_attrdef").equals(Rows.NONE);
    }

    /** As it is without CASCADE, but for the definitions that go with it. */
    static Assessment assessment(StatementAssessment statement) {
        return Assessment.of(List.of(statement
                .without(Rule.DROP_CASCADE.id())
                .without(Rule.DROP_EXTENSION.id())
                .destroying(List.of())
                .with(List.of(FINDING))));
    }
}
