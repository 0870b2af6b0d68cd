package io.backstop.cli.control;

import io.backstop.api.approval.Approval;
import io.backstop.api.approval.ApprovalState;
import io.backstop.api.control.ControlStore;
import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.cli.output.RefusedException;
import io.backstop.cli.output.ReportPrinter;
import io.backstop.cli.output.Terminal;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

import java.io.Console;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Which requests a decision is about: those that are named, or all that pass a filter and were looked at. */
final class ApprovalChoice {
    @Mixin
    private final ApprovalFilterOptions filter = new ApprovalFilterOptions();

    @Parameters(paramLabel = "ID", arity = "0..*", description = "The requests, appr_….")
    private List<String> ids = new ArrayList<>();

    @Option(
            names = "--all",
            description = "All that wait, after they were shown and the terminal was asked; with --agent, --risk or"
                    + " --table, all such.")
    private boolean all;

    @Option(names = "--yes", description = "With --all: do not ask.")
    private boolean yes;

    static Approval find(ControlStore store, String id) throws ControlStoreUnavailableException, RefusedException {
        return store.approvals()
                .find(id)
                .orElseThrow(() -> new RefusedException(
                        "there is no request " + id, "`backstop approvals list` shows those that wait"));
    }

    /** @param word what is done with them: approve or deny */
    List<Approval> chosen(ControlStore store, ReportPrinter report, String word)
            throws ControlStoreUnavailableException, RefusedException {
        if (all == !ids.isEmpty()) {
            throw new RefusedException(
                    all ? "ids and --all exclude each other" : "no request is named", "name ids, or --agent ID --all");
        }
        List<Approval> approvals = new ArrayList<>();
        for (String id : ids) {
            approvals.add(find(store, id));
        }
        if (all) {
            approvals.addAll(store.approvals().list(ApprovalState.PENDING).stream()
                    .filter(filter.filter())
                    .toList());
            confirm(approvals, report, word);
        }
        return approvals;
    }

    private void confirm(List<Approval> approvals, ReportPrinter report, String word) throws RefusedException {
        if (approvals.isEmpty()) {
            throw new RefusedException(
                    "nothing waits that passes the filter", "`backstop approvals list` shows what waits");
        }
        if (yes) {
            return;
        }
        ApprovalText text = new ApprovalText(report);
        approvals.forEach(text::summary);
        @Nullable Console console = Terminal.present().orElse(null);
        if (console == null) {
            throw new RefusedException(
                    "these are " + approvals.size() + " requests, and there is no terminal to ask",
                    "look at them, and say --yes");
        }
        @Nullable String answer = console.readLine("%s all %d? [y/N] ", word, approvals.size());
        if (answer == null || !answer.strip().toLowerCase(Locale.ROOT).equals("y")) {
            throw new RefusedException("nothing was decided", "answer y to " + word + " all of them");
        }
    }
}
