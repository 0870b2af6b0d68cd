package io.backstop.jdbc.internal.analysis.grammar;

import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.Destruction;
import io.backstop.api.analysis.Finding;
import io.backstop.api.analysis.ObjectKind;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.analysis.RemovedDefinition;
import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.analysis.StatementAssessment;
import io.backstop.api.analysis.Target;
import io.backstop.jdbc.internal.analysis.rule.Rule;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** What the readers have found out about one statement so far. Confined to one thread. */
public final class StatementFacts {
    private final List<CommandTag> inner = new ArrayList<>(2);
    private final List<PlacedTarget> targets = new ArrayList<>(2);
    private final Set<RelationName> reads = new LinkedHashSet<>(4);
    private final Set<String> columns = new LinkedHashSet<>(4);
    private final Set<String> functions = new LinkedHashSet<>(4);
    private final Set<Finding> findings = new LinkedHashSet<>(4);
    private final Set<Destruction> destructions = new LinkedHashSet<>(4);
    private final List<RemovedDefinition> definitions = new ArrayList<>(0);
    private boolean needsWriteTransaction;

    /** Notes the command that this one explains, prepares or takes its rows from, once what is inside that is noted. */
    public void encloses(CommandTag command) {
        inner.add(0, command);
    }

    /** Notes a command of a WITH clause or in parentheses. */
    public void nests(CommandTag command) {
        if (!inner.contains(command)) {
            inner.add(command);
        }
    }

    public void fire(Rule rule) {
        add(new Finding(rule.id(), rule.risk(), rule.reason()));
    }

    /** Names the object on which the rule fires; never pass what may be a value. */
    public void fire(Rule rule, String object) {
        add(new Finding(rule.id(), rule.risk(), rule.reason() + ": " + object));
    }

    private void add(Finding finding) {
        findings.add(finding);
    }

    /** Where a target stands in the text: nested statements are read late, but their targets keep their order. */
    private record PlacedTarget(int position, Target target) {}

    public void target(ObjectKind kind, RelationName name, int position) {
        targets.add(new PlacedTarget(position, new Target(kind, name)));
    }

    public void reads(RelationName name) {
        reads.add(name);
    }

    public void writes(String column) {
        columns.add(column);
    }

    public void calls(String function) {
        functions.add(function);
    }

    public void destroys(Destruction.Kind kind, List<RelationName> relations, boolean cascade, boolean scoped) {
        destructions.add(new Destruction(kind, relations, cascade, scoped));
    }

    /** It takes a definition from what has this name, and no row. */
    public void undefines(RemovedDefinition.Kind kind, RelationName name) {
        undefines(new RemovedDefinition(kind, name, Optional.empty(), false));
    }

    /** @param cascade whether what depends on that goes as well */
    public void undefines(RemovedDefinition.Kind kind, RelationName name, boolean cascade) {
        undefines(new RemovedDefinition(kind, name, Optional.empty(), cascade));
    }

    /** The constraint goes, and with it what depends on it. */
    public void undefinesConstraint(RelationName table, String constraint) {
        undefines(new RemovedDefinition(RemovedDefinition.Kind.RELATION, table, Optional.of(constraint), true));
    }

    private void undefines(RemovedDefinition removed) {
        if (!definitions.contains(removed)) {
            definitions.add(removed);
        }
    }

    public void destroysBeyondRecovery(List<RelationName> relations, boolean cascade) {
        destroys(Destruction.Kind.UNRECOVERABLE, relations, cascade, false);
    }

    /** It locks rows, or takes numbers from a sequence. */
    public void needsWriteTransaction() {
        needsWriteTransaction = true;
    }

    public StatementAssessment assessment(CommandTag tag) {
        List<Finding> worstFirst = new ArrayList<>(findings);
        worstFirst.sort(Comparator.comparing(Finding::risk).reversed());
        RiskLevel risk =
                worstFirst.isEmpty() ? RiskLevel.SAFE : worstFirst.get(0).risk();
        return new StatementAssessment(
                        tag,
                        inner,
                        risk,
                        true,
                        orderedTargets(),
                        List.copyOf(reads),
                        columns,
                        functions,
                        worstFirst,
                        List.copyOf(destructions),
                        needsWriteTransaction)
                .removing(definitions);
    }

    private List<Target> orderedTargets() {
        return targets.stream()
                .sorted(Comparator.comparingInt(PlacedTarget::position))
                .map(PlacedTarget::target)
                .distinct()
                .toList();
    }

    /** What is not understood may do anything, whatever was found in it before the reader lost its way. */
    public static StatementAssessment notUnderstood(String reason) {
        Rule rule = Rule.UNRECOGNISED;
        return new StatementAssessment(
                CommandTag.UNRECOGNISED,
                List.of(),
                rule.risk(),
                false,
                List.of(),
                List.of(),
                Set.of(),
                Set.of(),
                List.of(new Finding(rule.id(), rule.risk(), rule.reason() + ": " + reason)),
                List.of(new Destruction(Destruction.Kind.UNRECOVERABLE, List.of(), false, false)),
                true);
    }
}
