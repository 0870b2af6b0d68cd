package io.backstop.jdbc.policy;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.Finding;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.analysis.RuleId;
import io.backstop.api.analysis.StatementAssessment;
import io.backstop.api.analysis.Target;
import io.backstop.api.policy.ImpactRules;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Raises writes to protected tables and columns to CRITICAL. Pure. */
final class Protection {
    static final RuleId PROTECTED_TABLE = new RuleId("protected-table");
    static final RuleId PROTECTED_COLUMN = new RuleId("protected-column");

    private Protection() {}

    /** The assessment with the findings that the rules add to it, or itself where they add none. */
    static Assessment apply(ImpactRules rules, Assessment assessment) {
        if (rules.protectedTables().isEmpty() && rules.protectedColumns().isEmpty()) {
            return assessment;
        }
        List<StatementAssessment> statements = assessment.statements().stream()
                .map(statement -> statement.with(findings(rules, statement)))
                .toList();
        return Assessment.of(statements);
    }

    private static List<Finding> findings(ImpactRules rules, StatementAssessment statement) {
        List<Finding> findings = new ArrayList<>();
        if (statement.risk() == RiskLevel.SAFE) {
            return findings;
        }
        for (Target target : statement.targets()) {
            for (String table : rules.protectedTables()) {
                if (names(table, target.name())) {
                    findings.add(
                            new Finding(PROTECTED_TABLE, RiskLevel.CRITICAL, "the policy protects table " + table));
                }
            }
            for (Map.Entry<String, Set<String>> columns :
                    rules.protectedColumns().entrySet()) {
                if (names(columns.getKey(), target.name())) {
                    columns.getValue().stream()
                            .filter(statement.columnsWritten()::contains)
                            .sorted()
                            .map(column -> new Finding(
                                    PROTECTED_COLUMN,
                                    RiskLevel.CRITICAL,
                                    "the policy protects column " + column + " of " + columns.getKey()))
                            .forEach(findings::add);
                }
            }
        }
        return findings;
    }

    /** Whether a name of the policy can mean this relation. One without a schema means it in every schema, on either side. */
    private static boolean names(String policyName, RelationName relation) {
        return policyName.equals(relation.name())
                || policyName.equals(relation.toString())
                || (relation.schema().isEmpty() && policyName.endsWith("." + relation.name()));
    }
}
