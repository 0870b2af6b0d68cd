package io.backstop.api.analysis;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/**
 * Says what one statement of a text does, as far as its text says. Immutable, thread-safe.
 *
 * @param tag the command; {@link CommandTag#UNRECOGNISED} where the scanner does not know it
 * @param inner the commands inside it that it runs or stores: first what it explains, prepares or takes its rows from, from
 *     the outside in ({@code EXPLAIN ANALYZE CREATE TABLE t AS EXECUTE p}: CREATE TABLE AS, EXECUTE), then those of WITH
 *     clauses and subqueries, each once; empty for an EXPLAIN that only plans
 * @param risk the worst risk of its findings; {@link RiskLevel#SAFE} where there are none
 * @param recognised whether the scanner understood all of it
 * @param targets what it changes or removes, nested statements included, in the order of the text
 * @param reads relations that it only reads
 * @param columnsWritten columns that it assigns or drops, folded as {@link RelationName}'s parts are
 * @param functions functions that it calls, {@code name} or {@code schema.name}, folded
 * @param findings the rules that fired, worst first
 * @param destructions the rows that it would take away
 * @param needsWriteTransaction whether a read-only transaction refuses it though it changes nothing, because it locks rows or
 *     takes numbers from a sequence; or answers it otherwise, because it asks whether the transaction is read-only
 * @param mentions every name that stands in it
 * @param definitions what it takes definitions from without taking rows
 */
public record StatementAssessment(
        CommandTag tag,
        List<CommandTag> inner,
        RiskLevel risk,
        boolean recognised,
        List<Target> targets,
        List<RelationName> reads,
        Set<String> columnsWritten,
        Set<String> functions,
        List<Finding> findings,
        List<Destruction> destructions,
        boolean needsWriteTransaction,
        MentionedNames mentions,
        List<RemovedDefinition> definitions) {
    public StatementAssessment {
        Objects.requireNonNull(tag, "tag");
        Objects.requireNonNull(risk, "risk");
        Objects.requireNonNull(mentions, "mentions");
        inner = List.copyOf(inner);
        if (recognised == (tag == CommandTag.UNRECOGNISED)) {
            throw new IllegalArgumentException("a statement is recognised exactly where its command is, not " + tag);
        }
        if (tag == CommandTag.EXPLAIN_ANALYZE && inner.isEmpty()) {
            throw new IllegalArgumentException("EXPLAIN ANALYZE without the command that it runs");
        }
        targets = List.copyOf(targets);
        reads = List.copyOf(reads);
        columnsWritten = Set.copyOf(columnsWritten);
        functions = Set.copyOf(functions);
        findings = List.copyOf(findings);
        destructions = List.copyOf(destructions);
        definitions = List.copyOf(definitions);
    }

    /** A statement whose names were not read. */
    public StatementAssessment(
            CommandTag tag,
            List<CommandTag> inner,
            RiskLevel risk,
            boolean recognised,
            List<Target> targets,
            List<RelationName> reads,
            Set<String> columnsWritten,
            Set<String> functions,
            List<Finding> findings,
            List<Destruction> destructions,
            boolean needsWriteTransaction) {
        this(
                tag,
                inner,
                risk,
                recognised,
                targets,
                reads,
                columnsWritten,
                functions,
                findings,
                destructions,
                needsWriteTransaction,
                MentionedNames.NONE,
                List.of());
    }

    /**
     * The command in words, in upper case as PostgreSQL's documentation names it: {@code DROP TABLE}, {@code EXPLAIN ANALYZE
     * DELETE}. For people and records, not for comparing.
     */
    public String operation() {
        return tag == CommandTag.EXPLAIN_ANALYZE ? inner.get(0).explained() : tag.text();
    }

    /** Whether it is this command, or runs or stores it inside. */
    public boolean holds(CommandTag command) {
        return tag == command || inner.contains(command);
    }

    /** Whether it is one of these commands, or runs or stores one inside. */
    public boolean holdsAny(Set<CommandTag> commands) {
        if (commands.contains(tag)) {
            return true;
        }
        for (CommandTag command : inner) {
            if (commands.contains(command)) {
                return true;
            }
        }
        return false;
    }

    /** This statement with more findings, and the risk that they give it. */
    public StatementAssessment with(List<Finding> more) {
        if (more.isEmpty()) {
            return this;
        }
        List<Finding> all = new ArrayList<>(findings);
        all.addAll(more);
        all.sort(Comparator.comparing(Finding::risk).reversed());
        return new StatementAssessment(
                tag,
                inner,
                risk.worse(all.get(0).risk()),
                recognised,
                targets,
                reads,
                columnsWritten,
                functions,
                all,
                destructions,
                needsWriteTransaction,
                mentions,
                definitions);
    }

    /** This statement without what a rule found, where that turned out not to be so; its risk is that of the other findings. */
    public StatementAssessment without(RuleId rule) {
        List<Finding> others = findings.stream()
                .filter(finding -> !finding.rule().equals(rule))
                .toList();
        RiskLevel least = others.stream().map(Finding::risk).reduce(RiskLevel.SAFE, RiskLevel::worse);
        return new StatementAssessment(
                tag,
                inner,
                least,
                recognised,
                targets,
                reads,
                columnsWritten,
                functions,
                others,
                destructions,
                needsWriteTransaction,
                mentions,
                definitions);
    }

    /** This statement with other destructions, for what its text alone could not tell. */
    public StatementAssessment destroying(List<Destruction> others) {
        return new StatementAssessment(
                tag,
                inner,
                risk,
                recognised,
                targets,
                reads,
                columnsWritten,
                functions,
                findings,
                others,
                needsWriteTransaction,
                mentions,
                definitions);
    }

    /** This statement with the names that stand in it. */
    public StatementAssessment mentioning(MentionedNames mentioned) {
        return new StatementAssessment(
                tag,
                inner,
                risk,
                recognised,
                targets,
                reads,
                columnsWritten,
                functions,
                findings,
                destructions,
                needsWriteTransaction,
                mentioned,
                definitions);
    }

    /** This statement with what it takes definitions from. */
    public StatementAssessment removing(List<RemovedDefinition> removed) {
        return new StatementAssessment(
                tag,
                inner,
                risk,
                recognised,
                targets,
                reads,
                columnsWritten,
                functions,
                findings,
                destructions,
                needsWriteTransaction,
                mentions,
                removed);
    }
}
