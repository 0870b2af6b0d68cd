package io.backstop.jdbc.policy;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.Destruction;
import io.backstop.api.analysis.Finding;
import io.backstop.api.analysis.MentionedNames;
import io.backstop.api.analysis.ObjectKind;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.analysis.RuleId;
import io.backstop.api.analysis.StatementAssessment;
import io.backstop.api.analysis.Target;
import io.backstop.api.policy.ImpactRules;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/** Raises writes to protected tables and columns, and to the system catalog, to CRITICAL. Pure. */
final class ProtectedObjects {
    static final RuleId PROTECTED_TABLE = new RuleId("protected-table");
    static final RuleId PROTECTED_COLUMN = new RuleId("protected-column");

    static final RuleId SYSTEM_CATALOG = new RuleId("system-catalog");

    private static final Set<CommandTag> ROW_WRITES = Set.of(
            CommandTag.INSERT,
            CommandTag.UPDATE,
            CommandTag.DELETE,
            CommandTag.MERGE,
            CommandTag.COPY_FROM,
            CommandTag.TRUNCATE);
    private static final Set<String> SYSTEM_SCHEMAS = Set.of("pg_catalog", "information_schema", "pg_toast");

    /** What the text of a statement mentions that gives a table another name or place. */
    private static final Set<String> RELEASING = Set.of("rename", "schema", "detach", "inherit");

    private ProtectedObjects() {}

    /**
     * The assessment with the findings that the rules add to it, or itself where they add none.
     *
     * @param unasked whether CRITICAL statements run without a human's consent: one that takes rows out of their protection then
     *     counts as one that destroys them, so that they are stored before
     */
    static Assessment apply(ImpactRules rules, boolean unasked, Assessment assessment) {
        if (assessment.risk() == RiskLevel.SAFE) {
            return assessment;
        }
        List<StatementAssessment> statements = assessment.statements().stream()
                .map(statement -> {
                    StatementAssessment weighed = systemCatalog(statement.with(findings(rules, statement)));
                    return unasked ? releasing(rules, weighed) : weighed;
                })
                .toList();
        return Assessment.of(statements);
    }

    /** What is done to the rows under their new name, nobody asks for any more. */
    private static StatementAssessment releasing(ImpactRules rules, StatementAssessment statement) {
        if (!statement.destructions().isEmpty() || statement.holdsAny(ROW_WRITES)) {
            return statement;
        }
        Set<RelationName> released = new LinkedHashSet<>();
        for (Target target : statement.targets()) {
            protectedNames(rules)
                    .filter(policyName -> frees(policyName, statement, target))
                    .map(policyName -> PolicyNames.inSchema(target.name().name(), policyName))
                    .forEach(released::add);
            boolean moves = RELEASING.stream().anyMatch(statement.mentions()::contains);
            if (moves && protectedNames(rules).anyMatch(policyName -> PolicyNames.means(policyName, target.name()))) {
                released.add(target.name());
            }
        }
        return released.isEmpty()
                ? statement
                : statement.destroying(
                        List.of(new Destruction(Destruction.Kind.ALTER_TABLE, List.copyOf(released), false, false)));
    }

    private static Stream<String> protectedNames(ImpactRules rules) {
        return Stream.concat(rules.protectedTables().stream(), rules.protectedColumns().keySet().stream());
    }

    /** Rows of the catalog are the schema itself; no snapshot of tables brings them back. */
    private static StatementAssessment systemCatalog(StatementAssessment statement) {
        boolean writesRows = !statement.destructions().isEmpty() || statement.holdsAny(ROW_WRITES);
        Optional<RelationName> written = statement.targets().stream()
                .map(Target::name)
                .filter(ProtectedObjects::isSystemRelation)
                .findFirst();
        if (!writesRows || written.isEmpty()) {
            return statement;
        }
        Finding finding =
                new Finding(SYSTEM_CATALOG, RiskLevel.CRITICAL, "changes rows of the system catalog: " + written.get());
        return statement
                .with(List.of(finding))
                .destroying(
                        List.of(new Destruction(Destruction.Kind.UNRECOVERABLE, List.of(written.get()), false, false)));
    }

    private static boolean isSystemRelation(RelationName name) {
        return name.schema()
                .map(schema -> SYSTEM_SCHEMAS.contains(schema))
                .orElse(name.name().startsWith("pg_"));
    }

    private static List<Finding> findings(ImpactRules rules, StatementAssessment statement) {
        List<Finding> findings = new ArrayList<>();
        if (statement.risk() == RiskLevel.SAFE) {
            return findings;
        }
        for (Target target : statement.targets()) {
            for (String table : rules.protectedTables()) {
                if (PolicyNames.means(table, target.name()) || frees(table, statement, target)) {
                    findings.add(
                            new Finding(PROTECTED_TABLE, RiskLevel.CRITICAL, "the policy protects table " + table));
                }
            }
            for (Map.Entry<String, Set<String>> columns :
                    rules.protectedColumns().entrySet()) {
                if (frees(columns.getKey(), statement, target)
                        || (PolicyNames.means(columns.getKey(), target.name())
                                && renames(statement, target, columns.getValue()))) {
                    findings.add(new Finding(
                            PROTECTED_COLUMN,
                            RiskLevel.CRITICAL,
                            "the policy protects columns of " + columns.getKey() + " by their names"));
                }
                if (PolicyNames.means(columns.getKey(), target.name())) {
                    columns.getValue().stream()
                            .filter(column -> statement.columnsWritten().stream()
                                    .anyMatch(written -> PolicyNames.meansColumn(column, written)))
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

    /**
     * Whether it gives a table or a protected column of it another name, under which the policy would not know the column. A
     * RENAME that mentions one name besides the table's is of the table.
     */
    private static boolean renames(StatementAssessment statement, Target table, Set<String> columns) {
        MentionedNames mentions = statement.mentions();
        boolean renames = mentions.contains("rename");
        boolean moves = mentions.contains("schema");
        boolean column = false;
        int others = 0;
        for (int i = 0; i < mentions.size(); i++) {
            String name = mentions.name(i);
            column |= columns.stream().anyMatch(each -> PolicyNames.meansColumn(each, name));
            boolean ofTable = name.equals(table.name().name())
                    || table.name().schema().filter(name::equals).isPresent();
            others += mentions.keyword(i) || ofTable ? 0 : 1;
        }
        return !statement.holdsAny(ROW_WRITES) && (moves || (renames && (column || others <= 1)));
    }

    /** Whether it gives the schema of a protected table another name, under which the policy would not know the table. */
    private static boolean frees(String policyName, StatementAssessment statement, Target target) {
        return statement.holds(CommandTag.ALTER_SCHEMA)
                && target.kind() == ObjectKind.SCHEMA
                && PolicyNames.isIn(policyName, target.name().name());
    }
}
