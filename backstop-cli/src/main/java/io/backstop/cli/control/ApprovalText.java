package io.backstop.cli.control;

import io.backstop.api.approval.Approval;
import io.backstop.api.approval.ApprovalRequest;
import io.backstop.api.approval.Decision;
import io.backstop.api.approval.ExpectedImpact;
import io.backstop.cli.output.ReportPrinter;

import java.util.List;
import java.util.Locale;

/** Requests for approval in words. */
final class ApprovalText {
    /** Of a statement in a list so many lines are shown; `show` has all of it. */
    private static final int LISTED_LINES = 6;

    private static final String INDENT = "    ";

    private final ReportPrinter report;

    ApprovalText(ReportPrinter report) {
        this.report = report;
    }

    /** What an operator has to know to decide in most cases. */
    void summary(Approval approval) {
        ApprovalRequest request = approval.request();
        report.line(approval.id() + "  " + state(approval) + "  " + request.risk() + "  agent " + request.agentId()
                + "  on " + request.database() + "  until " + approval.expiresAt());
        report.wrapped(INDENT, ReportPrinter.inOneLine(request.sql(), Integer.MAX_VALUE), LISTED_LINES);
        report.wrapped(INDENT, String.join("; ", request.reasons()), LISTED_LINES);
        impact(request.impact());
    }

    /** Everything that is known: what is asked and what it would do first, what it is bound to last. */
    void details(Approval approval) {
        ApprovalRequest request = approval.request();
        report.line("request    " + approval.id() + ", " + state(approval) + ", " + request.risk() + " "
                + request.operation()
                + (request.tables().isEmpty() ? "" : " on " + String.join(", ", request.tables())));
        report.line("statement");
        request.sql().lines().forEach(line -> report.wrapped(INDENT, line, Integer.MAX_VALUE));
        request.values().forEach(row -> report.line("values     " + String.join(", ", row)));
        report.line("impact");
        impact(request.impact());
        sample(request.impact().sample());
        request.reasons().forEach(reason -> report.line("reason     " + reason));
        if (!request.rules().isEmpty()) {
            report.line("rules      " + String.join(", ", request.rules()));
        }
        report.line("runs       " + (request.snapshot() ? "behind a verified snapshot" : "without a snapshot"));
        if (!request.saferWay().isEmpty()) {
            report.line("safer      " + request.saferWay());
        }
        report.line("agent      " + request.agentId());
        report.line("database   " + request.database());
        report.line("asked      " + approval.createdAt() + ", until " + approval.expiresAt());
        approval.decision().ifPresent(decision -> report.line("decided    " + words(decision)));
        binding(request);
    }

    /** What it does not run under if it is otherwise then. */
    private void binding(ApprovalRequest request) {
        report.line("bound to");
        report.line(INDENT + "role         " + request.session().role());
        report.line(INDENT + "search_path  " + request.session().searchPath());
        request.session().settings().forEach((name, value) -> report.line(INDENT + name + " = " + value));
        if (!request.session().relations().isEmpty()) {
            report.wrapped(INDENT, request.session().relations(), Integer.MAX_VALUE);
        }
        report.line(INDENT + "digest       " + request.statementSha256()
                + (request.values().isEmpty() ? " (text and values; bound values are kept as their digest only)" : ""));
    }

    private static String words(Decision decision) {
        return (decision.approve() ? "approved by " : "denied by ") + decision.by() + " at " + decision.at()
                + decision.signature()
                        .map(signature -> ", signed by operator " + signature.operator())
                        .orElse(", not signed")
                + (decision.comment().isEmpty() ? "" : ": " + decision.comment());
    }

    private void impact(ExpectedImpact impact) {
        impact.rows()
                .ifPresent(rows -> report.line(INDENT + "would change " + rows + (rows == 1 ? " row" : " rows")
                        + " (it was run and rolled back)"));
        for (ExpectedImpact.TableChange change : impact.changes()) {
            report.line(INDENT + change.name() + ": " + change.inserted() + " inserted, " + change.updated()
                    + " updated, " + change.deleted() + " deleted");
        }
        for (ExpectedImpact.Table table : impact.tables()) {
            report.line(INDENT
                    + table.name()
                    + (table.estimatedRows() < 0 ? ", never analysed" : ", about " + table.estimatedRows() + " rows")
                    + (table.through().isEmpty() ? "" : ", through " + table.through()));
        }
        if (!impact.note().isEmpty()) {
            report.line(INDENT + impact.note());
        }
    }

    private void sample(List<ExpectedImpact.SampleRow> sample) {
        if (!sample.isEmpty()) {
            report.line("some of the rows");
        }
        for (ExpectedImpact.SampleRow row : sample) {
            if (!row.before().isEmpty()) {
                report.line(INDENT + "before  " + row.before());
            }
            if (!row.after().isEmpty()) {
                report.line(INDENT + "after   " + row.after());
            }
        }
    }

    static String state(Approval approval) {
        return approval.state().name().toLowerCase(Locale.ROOT);
    }
}
