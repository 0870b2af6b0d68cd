package io.backstop.jdbc.internal.approval;

import io.backstop.api.approval.Approval;
import io.backstop.api.approval.ApprovalRequest;
import io.backstop.api.approval.SessionContext;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * Tells why an approval of the same statement is not one of the request, to people who wonder. The agent reads it: it is told
 * what is so in its own session now, and of the approved one which parts were otherwise, not what they were. Stateless.
 */
final class UnfitApproval {
    private UnfitApproval() {}

    /** @return a half sentence; empty where there is no such approval */
    static String among(Collection<Approval> approved, ApprovalRequest request, Instant now) {
        Optional<Approval> other = approved.stream()
                .filter(approval -> now.isBefore(approval.expiresAt()) && isOfSameText(approval.request(), request))
                .findFirst();
        return other.map(approval -> "; the approval " + approval.id() + " of the same statement does not fit: "
                        + String.join(", ", differences(approval.request(), request)))
                .orElse("");
    }

    private static boolean isOfSameText(ApprovalRequest approved, ApprovalRequest request) {
        return approved.agentId().equals(request.agentId())
                && approved.database().equals(request.database())
                && approved.statementSha256().equals(request.statementSha256())
                && !approved.sameBinding(request);
    }

    private static List<String> differences(ApprovalRequest approved, ApprovalRequest request) {
        SessionContext then = approved.session();
        SessionContext now = request.session();
        List<String> differences = new ArrayList<>();
        if (!then.role().equals(now.role())) {
            differences.add("the role is " + now.role() + " now");
        }
        if (!then.searchPath().equals(now.searchPath())) {
            differences.add("search_path is " + now.searchPath() + " now");
        }
        Set<String> settings = new TreeSet<>(then.settings().keySet());
        settings.addAll(now.settings().keySet());
        settings.removeIf(name -> String.valueOf(then.settings().get(name))
                .equals(String.valueOf(now.settings().get(name))));
        if (!settings.isEmpty()) {
            differences.add("other values of " + String.join(", ", settings));
        }
        if (!then.relations().equals(now.relations())) {
            differences.add("the tables it reaches or the code it runs have changed since");
        }
        if (approved.risk() != request.risk()) {
            differences.add("it is " + request.risk() + " now");
        }
        if (approved.snapshot() != request.snapshot()) {
            differences.add("it was asked for " + (approved.snapshot() ? "behind a snapshot" : "without a snapshot"));
        }
        if (!approved.operation().equals(request.operation())) {
            differences.add("it is read as " + request.operation() + " now");
        }
        return differences;
    }
}
