package io.backstop.cli.analyze;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.Finding;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.analysis.RuleId;
import io.backstop.api.analysis.SecondOpinion;
import io.backstop.api.analysis.StatementAssessment;
import io.backstop.api.analysis.Target;
import io.backstop.api.policy.Policy;
import io.backstop.api.policy.Verdict;
import io.backstop.cli.output.PrintableText;
import io.backstop.jdbc.analysis.RulePages;

import java.io.PrintWriter;
import java.util.List;
import java.util.stream.Collectors;

/** An assessment for people: risk, what it would do, which rules, what the policy would say, the safer way. */
final class AssessmentText {
    private final PrintWriter out;
    private final RulePages pages = new RulePages();

    AssessmentText(PrintWriter out) {
        this.out = out;
    }

    void print(Assessment assessment, Policy policy, Verdict verdict) {
        List<StatementAssessment> statements = assessment.statements();
        for (int i = 0; i < statements.size(); i++) {
            if (statements.size() > 1) {
                line("statement " + (i + 1) + " of " + statements.size());
            }
            print(statements.get(i));
        }
        if (statements.isEmpty()) {
            line(assessment.risk() + "  " + assessment.operation());
        }
        line("  second    " + words(assessment.secondOpinion()));
        line("  policy    " + policy.name() + ": " + words(verdict, policy));
    }

    private void print(StatementAssessment statement) {
        line(statement.risk() + "  " + statement.operation() + targets(statement.targets()));
        for (Finding finding : statement.findings()) {
            line("  rule      " + finding.rule() + ": " + finding.reason());
        }
        statement.findings().stream()
                .filter(finding -> finding.risk() == statement.risk())
                .map(Finding::rule)
                .distinct()
                .forEach(this::saferWay);
    }

    private void saferWay(RuleId rule) {
        pages.saferWay(rule).ifPresent(text -> {
            String label = "  safer     ";
            for (String line : text.lines().toList()) {
                line(label + line);
                label = "            ";
            }
        });
    }

    /** Names and code come from whoever wrote the SQL. */
    private void line(String text) {
        out.println(PrintableText.line(text));
    }

    private static String targets(List<Target> targets) {
        return targets.isEmpty()
                ? ""
                : "  on "
                        + targets.stream()
                                .map(Target::name)
                                .map(RelationName::toString)
                                .distinct()
                                .collect(Collectors.joining(", "));
    }

    private static String words(SecondOpinion opinion) {
        return switch (opinion) {
            case NOT_ASKED -> "no second reader was asked";
            case MISSING -> "a second reader (JSqlParser) cannot read it within its budget";
            case AGREES -> "a second reader (JSqlParser) agrees";
            case LOWER -> "a second reader (JSqlParser) sees less of a risk; the worse verdict counts";
            case HIGHER -> "a second reader (JSqlParser) sees more of a risk, and its verdict counts";
        };
    }

    private static String words(Verdict verdict, Policy policy) {
        if (policy.enforcement() == Policy.Enforcement.MONITOR) {
            return "would run and be recorded; otherwise it " + words(verdict);
        }
        return words(verdict);
    }

    private static String words(Verdict verdict) {
        if (verdict instanceof Verdict.Block block) {
            return "would be blocked [" + block.rule() + "]: " + block.reason();
        }
        if (verdict instanceof Verdict.Hold hold) {
            return "would wait for approval" + (hold.snapshot() ? ", and run after a verified snapshot" : "");
        }
        boolean snapshot = verdict instanceof Verdict.Allow allow && allow.snapshot();
        return "would run" + (snapshot ? " after a verified snapshot" : "");
    }
}
