package io.backstop.jdbc.internal.pipeline.catalog;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.Finding;
import io.backstop.api.analysis.MentionedNames;
import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.analysis.RuleId;
import io.backstop.api.analysis.StatementAssessment;
import io.backstop.api.error.ImpactLimitException;
import io.backstop.api.internal.postgres.TrackCounts;
import io.backstop.jdbc.internal.analysis.rule.EvaluatingCommands;
import io.backstop.jdbc.internal.analysis.rule.ReviewedFunctions;
import io.backstop.jdbc.internal.pipeline.catalog.CatalogNames.Judgement;
import io.backstop.jdbc.internal.pipeline.session.GuardedSession;
import io.backstop.jdbc.internal.pipeline.statement.AssessedText;
import io.backstop.jdbc.policy.Judge;
import org.jspecify.annotations.Nullable;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Clock;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * Raises to HIGH what runs code of the user's that may change anything, by whatever name in its text: a function, a view, an
 * operator, a cast, a type, a table with policies. What the names stand for is read from the catalog for each database, again
 * after a change of the schema, and again where a text names what is not known. Thread-safe.
 */
public final class CatalogWeigher {
    public static final RuleId RULE = new RuleId("volatile-function");

    /** Commands that neither evaluate their text nor run what it names, beside those that are HIGH anyway. */
    private static final Set<CommandTag> PASSIVE = EnumSet.of(
            CommandTag.EMPTY,
            CommandTag.BEGIN,
            CommandTag.START_TRANSACTION,
            CommandTag.COMMIT,
            CommandTag.ROLLBACK,
            CommandTag.SAVEPOINT,
            CommandTag.RELEASE_SAVEPOINT,
            CommandTag.ROLLBACK_TO_SAVEPOINT,
            CommandTag.SET,
            CommandTag.SET_CONSTRAINTS,
            CommandTag.SET_TRANSACTION,
            CommandTag.RESET,
            CommandTag.SHOW,
            CommandTag.DISCARD,
            CommandTag.LISTEN,
            CommandTag.NOTIFY,
            CommandTag.UNLISTEN,
            CommandTag.DEALLOCATE,
            CommandTag.FETCH,
            CommandTag.MOVE,
            CommandTag.CLOSE,
            CommandTag.LOCK,
            CommandTag.CHECKPOINT);

    /** After these, what the session had changed and not committed is gone, or is there for all. */
    private static final Set<CommandTag> ENDING = EnumSet.of(
            CommandTag.COMMIT,
            CommandTag.ROLLBACK,
            CommandTag.ROLLBACK_TO_SAVEPOINT,
            CommandTag.PREPARE_TRANSACTION,
            CommandTag.COMMIT_PREPARED,
            CommandTag.ROLLBACK_PREPARED);

    /** Syntax Error or Access Rule Violation (PostgreSQL documentation, appendix A). */
    private static final String NAME_ERRORS = "42";

    private final Map<String, DatabaseCatalog> byDatabase = new ConcurrentHashMap<>();

    /** Sessions with changes of the schema that are not committed, and what they see. */
    private final Map<GuardedSession, Uncommitted> uncommitted = new ConcurrentHashMap<>();

    private final Clock clock;
    private final Consumer<GuardedSession> whenOutdated;

    /** @param whenOutdated is told of the sessions that found that what was known of their database is no longer so */
    public CatalogWeigher(Clock clock, Consumer<GuardedSession> whenOutdated) {
        this.clock = clock;
        this.whenOutdated = whenOutdated;
    }

    /** What one session sees of the catalog; read and written within its turn. */
    private static final class Uncommitted {
        private @Nullable CatalogState seen;
    }

    /** The assessment with what the catalog adds to it; itself where that is nothing. Within the session's turn. */
    public WeighedText weigh(GuardedSession session, AssessedText text) throws SQLException {
        WeighedText weighed = weighText(session, text);
        return text.types().own().isEmpty() ? weighed : new WeighedText(weighed.assessment(), true);
    }

    private WeighedText weighText(GuardedSession session, AssessedText text) throws SQLException {
        Assessment assessment = text.assessment();
        List<StatementAssessment> statements = assessment.statements();
        boolean secured = isSecured(assessment);
        boolean rests = false;
        boolean defined = false;
        CatalogState known = known(session);
        for (int i = 0; i < statements.size(); i++) {
            StatementAssessment statement = statements.get(i);
            if (evaluates(statement)) {
                if (defined || known == null || mayReachForeignTable(known, statement)) {
                    return weighSlowly(session, assessment);
                }
                if (!secured) {
                    Judgement judgement = known.names().remembered(statement);
                    if (judgement == null || judgement.danger().isPresent()) {
                        return weighSlowly(session, assessment);
                    }
                    rests |= judgement.rests();
                }
            }
            defined |= EarlierDefinitions.defines(statement);
        }
        boolean outdated = known != null
                && rests
                && mayChange(assessment)
                && !session.inFailedTransaction()
                && !known.isCurrent(session.connection(), statements);
        if (outdated) {
            forget(session);
            return weighSlowly(session, assessment);
        }
        return new WeighedText(assessment, rests);
    }

    /** What is SAFE and rests on the catalog runs behind the read fence, where the server refuses what has changed. */
    private static boolean mayChange(Assessment assessment) {
        return assessment.risk() != RiskLevel.SAFE;
    }

    private static boolean mayReachForeignTable(CatalogState known, StatementAssessment statement) {
        return known.remote().isPresent() && !known.remote().get().isRememberedClear(statement);
    }

    /** Whether code of the user's may answer what pgjdbc asks the catalog by itself. At any time, without a question. */
    public boolean mayAnswerDriver(GuardedSession session) {
        DatabaseCatalog catalog = byDatabase.get(session.database());
        return catalog == null || catalog.mayShadow() || uncommitted.containsKey(session);
    }

    private @Nullable CatalogState known(GuardedSession session) {
        DatabaseCatalog catalog = byDatabase.get(session.database());
        return catalog == null || uncommitted.containsKey(session) ? null : catalog.fresh();
    }

    /** Behind a snapshot it is looked afterwards what else was destroyed, save on the other side of a foreign table. */
    private static boolean isSecured(Assessment assessment) {
        return assessment.risk() == RiskLevel.CRITICAL
                && !assessment.destructions().isEmpty();
    }

    private static boolean evaluates(StatementAssessment statement) {
        return EvaluatingCommands.evaluates(statement.tag())
                || EvaluatingCommands.defines(statement.tag())
                || statement.tag() == CommandTag.TRUNCATE // on the other side of a foreign table
                || (statement.risk().compareTo(RiskLevel.HIGH) < 0 && !PASSIVE.contains(statement.tag()));
    }

    private WeighedText weighSlowly(GuardedSession session, Assessment assessment) throws SQLException {
        if (session.inFailedTransaction()) {
            return unread(assessment);
        }
        boolean endsItsTransaction = assessment.statements().size() > 1
                && assessment.statements().stream().anyMatch(statement -> ENDING.contains(statement.tag()));
        if (endsItsTransaction && uncommitted.containsKey(session)) {
            return unread(assessment);
        }
        CatalogState state = state(session);
        NameLookup.Found found = look(session.connection(), state, assessment);
        if (found.more()) {
            forget(session);
            state = state(session);
        }
        boolean frozen = found.frozen() && !session.idleAtTurn();
        WeighedText weighed = weigh(session.connection(), state, frozen, assessment);
        boolean outdated = weighed.restsOnCatalog()
                && mayChange(assessment)
                && weighed.assessment().risk() == assessment.risk()
                && !frozen
                && !state.isCurrent(session.connection(), assessment.statements());
        if (!outdated) {
            return weighed;
        }
        forget(session);
        return weigh(session.connection(), state(session), false, assessment);
    }

    /**
     * Where the catalog cannot be asked, or will not be what it is when the statement runs. A single statement is refused by
     * the server as long as its transaction has failed, unless it ends that.
     */
    private static WeighedText unread(Assessment assessment) {
        if (assessment.statements().size() == 1) {
            return new WeighedText(assessment, true);
        }
        return new WeighedText(
                raised(assessment, statement -> evaluates(statement) ? unreviewed(statement) : Optional.empty()), true);
    }

    private static Optional<String> unreviewed(StatementAssessment statement) {
        MentionedNames names = statement.mentions();
        for (int i = 0; i < names.size(); i++) {
            if (!names.keyword(i) && !ReviewedFunctions.harmless(names.name(i))) {
                return Optional.of(names.name(i) + ", which cannot be looked up before the transaction ends");
            }
        }
        return names.operators().isEmpty() ? Optional.empty() : Optional.of("an operator");
    }

    private CatalogState state(GuardedSession session) throws SQLException {
        DatabaseCatalog catalog = catalog(session);
        Uncommitted own = uncommitted.get(session);
        if (own == null) {
            CatalogState current = catalog.current(session.connection(), session.idleAtTurn());
            if (catalog.mayHoldUncommitted(current)) {
                uncommitted.computeIfAbsent(session, key -> new Uncommitted()).seen = current;
            }
            return current;
        }
        CatalogState seen = own.seen;
        if (seen == null) {
            seen = catalog.readPrivately(session.connection());
            own.seen = seen;
        }
        return seen;
    }

    private DatabaseCatalog catalog(GuardedSession session) {
        return byDatabase.computeIfAbsent(session.database(), database -> new DatabaseCatalog(clock));
    }

    private void forget(GuardedSession session) {
        catalog(session).changed();
        whenOutdated.accept(session);
        Uncommitted own = uncommitted.get(session);
        if (own != null) {
            own.seen = null;
        }
    }

    /** Looks for names that were not there when the catalog was read. */
    private static NameLookup.Found look(Connection connection, CatalogState state, Assessment assessment)
            throws SQLException {
        List<String> names = new ArrayList<>();
        List<String> operators = new ArrayList<>();
        for (StatementAssessment statement : assessment.statements()) {
            if (evaluates(statement) && state.names().remembered(statement) == null) {
                names.addAll(state.names().unknown(statement.mentions()));
                operators.addAll(state.names().unknownOperators(statement.mentions()));
            }
        }
        return names.isEmpty() && operators.isEmpty()
                ? NameLookup.Found.NOTHING
                : NameLookup.look(connection, state, names, operators);
    }

    private static WeighedText weigh(Connection connection, CatalogState state, boolean frozen, Assessment assessment)
            throws SQLException {
        List<StatementAssessment> weighed = new ArrayList<>();
        boolean secured = isSecured(assessment);
        boolean rests = false;
        EarlierDefinitions earlier = new EarlierDefinitions(state);
        for (StatementAssessment statement : assessment.statements()) {
            List<Finding> findings = new ArrayList<>(secured ? List.of() : earlier.findings(statement));
            earlier.add(statement);
            if (!evaluates(statement)) {
                weighed.add(statement);
                continue;
            }
            state.remote()
                    .flatMap(remote -> remote.reachedBy(statement))
                    .ifPresent(what -> findings.add(
                            new Finding(Judge.FOREIGN_TABLE, secured ? RiskLevel.CRITICAL : RiskLevel.HIGH, what)));
            if (!secured) {
                Judgement judgement = state.names().judge(statement);
                Optional<String> danger = judgement.danger();
                if (!frozen) {
                    state.names().remember(statement, judgement);
                } else if (danger.isEmpty()) {
                    danger = NameLookup.unseen(connection, state.names(), statement.mentions());
                }
                rests |= judgement.rests();
                danger.ifPresent(what -> findings.add(finding(what)));
            }
            weighed.add(statement.with(findings));
        }
        return new WeighedText(Assessment.of(weighed), rests);
    }

    private static Assessment raised(Assessment assessment, Function<StatementAssessment, Optional<String>> danger) {
        return Assessment.of(assessment.statements().stream()
                .map(statement -> danger.apply(statement)
                        .map(what -> statement.with(List.of(finding(what))))
                        .orElse(statement))
                .toList());
    }

    static Finding finding(String what) {
        return new Finding(RULE, RiskLevel.HIGH, "runs code of the user's that may change anything: " + what);
    }

    /**
     * Refuses to count rows where {@code track_counts} may be off meanwhile, and on again when somebody looks: by the text
     * itself, or by a function of the database. Which functions a text comes to run, through triggers too, is not known.
     */
    public void requireCounts(GuardedSession session, String sql) throws SQLException {
        if (TrackCounts.mayBeSwitchedOffBy(sql)) {
            throw new ImpactLimitException(
                    "track_counts stands in a text whose rows have to be counted; nothing was run",
                    "send the statements one at a time, and the word as a bound value");
        }
        Set<String> uncounted = state(session).uncounted();
        if (!uncounted.isEmpty()) {
            throw new ImpactLimitException(
                    "how many rows the statement changes cannot be known while function "
                            + uncounted.iterator().next() + " may switch track_counts off",
                    "take the setting out of the function, or switch impact_analysis_enabled off in the policy");
        }
    }

    /** A statement failed: where a name of it was not there, it may be by the next time. */
    public void failed(GuardedSession session, Assessment assessment, SQLException failure) {
        CatalogState known = known(session);
        if (known != null && String.valueOf(failure.getSQLState()).startsWith(NAME_ERRORS)) {
            assessment.statements().forEach(known.names()::forget);
            known.remote().ifPresent(remote -> assessment.statements().forEach(remote::forget));
        }
    }

    /** A statement ran, or may have: the schema is another if that can be its doing. Within the session's turn. */
    public void ran(GuardedSession session, Assessment assessment) {
        boolean pending = uncommitted.containsKey(session);
        if (mayDefine(assessment)) {
            forget(session);
            if (session.inTransaction()) {
                uncommitted.computeIfAbsent(session, key -> new Uncommitted()).seen = null;
                return;
            }
        }
        if (pending
                && (!session.inTransaction()
                        || assessment.statements().stream().anyMatch(each -> ENDING.contains(each.tag())))) {
            forget(session);
        }
        if (pending && !session.inTransaction()) {
            uncommitted.remove(session);
        }
    }

    /** The session's transaction ended by other means than a statement. */
    public void ended(GuardedSession session) {
        if (uncommitted.containsKey(session) && !session.inTransaction()) {
            uncommitted.remove(session);
            forget(session);
        }
    }

    /** The session's transaction went back to a savepoint by other means than a statement: what it saw since may be gone. */
    public void wentBack(GuardedSession session) {
        if (uncommitted.containsKey(session)) {
            forget(session);
        }
    }

    /** The session was closed, and what it had not committed is gone. */
    public void closed(GuardedSession session) {
        if (uncommitted.remove(session) != null) {
            forget(session);
        }
    }

    private static boolean mayDefine(Assessment assessment) {
        return assessment.risk().atLeast(RiskLevel.HIGH)
                || assessment.statements().stream()
                        .anyMatch(statement ->
                                !EvaluatingCommands.onRows(statement.tag()) && statement.risk() != RiskLevel.SAFE);
    }
}
