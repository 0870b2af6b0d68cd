package io.backstop.cli.analyze;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.Finding;
import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.analysis.RuleId;
import io.backstop.api.analysis.SecondOpinion;
import io.backstop.api.analysis.StatementAssessment;
import net.sf.jsqlparser.parser.CCJSqlParser;
import net.sf.jsqlparser.parser.CCJSqlParserUtil;
import net.sf.jsqlparser.statement.Statements;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Has JSqlParser read a text that the scanner has read, and lets the worse verdict win. Hostile text can drive JSqlParser
 * into minutes of work, so it gets a text of bounded length, a bounded time, and one thread in all: a caller waits no longer
 * than the budget, and while a parse that ran out of it is still stopping, others get no second opinion. Thread-safe.
 */
public final class JSqlParserOpinion implements AutoCloseable {
    static final RuleId RULE = new RuleId("second-reader");

    /** In characters. */
    static final int LONGEST_TEXT = 20_000;

    private static final Duration BUDGET = Duration.ofMillis(250);

    private final ThreadPoolExecutor parsing;
    private final Duration budget;

    public JSqlParserOpinion() {
        this(BUDGET);
    }

    JSqlParserOpinion(Duration budget) {
        this.budget = budget;
        // A place to wait in, for the thread is not free yet at the moment in which its result is there.
        this.parsing = new ThreadPoolExecutor(1, 1, 1, TimeUnit.SECONDS, new ArrayBlockingQueue<>(1), task -> {
            Thread thread = new Thread(task, "backstop-second-reader");
            thread.setDaemon(true);
            return thread;
        });
        parsing.allowCoreThreadTimeOut(true);
    }

    /** The scanner's assessment, with the second opinion, and with its verdict where that is worse. */
    public Assessment read(String sql, Assessment first) {
        Optional<RiskLevel> opinion = parse(sql).flatMap(JSqlParserRisk::of);
        if (opinion.isEmpty()) {
            return first.with(SecondOpinion.MISSING);
        }
        int comparison = opinion.get().compareTo(first.risk());
        if (comparison <= 0) {
            return first.with(comparison == 0 ? SecondOpinion.AGREES : SecondOpinion.LOWER);
        }
        return raised(first, opinion.get()).with(SecondOpinion.HIGHER);
    }

    private static Assessment raised(Assessment first, RiskLevel risk) {
        Finding finding = new Finding(RULE, risk, "a second reader of the text sees more of a risk in it");
        List<StatementAssessment> statements = new ArrayList<>(first.statements());
        if (statements.isEmpty()) {
            statements.add(new StatementAssessment(
                    CommandTag.UNRECOGNISED,
                    List.of(),
                    risk,
                    false,
                    List.of(),
                    List.of(),
                    Set.of(),
                    Set.of(),
                    List.of(finding),
                    List.of(),
                    false));
            return Assessment.of(statements);
        }
        statements.replaceAll(statement -> statement.with(List.of(finding)));
        return Assessment.of(statements);
    }

    private Optional<Statements> parse(String sql) {
        if (sql.isBlank() || sql.length() > LONGEST_TEXT) {
            return Optional.empty();
        }
        CCJSqlParser parser = CCJSqlParserUtil.newParser(sql).withAllowComplexParsing(false);
        Future<Statements> parsed;
        try {
            parsed = parsing.submit(parser::Statements);
        } catch (RejectedExecutionException e) {
            return Optional.empty(); // the one thread is still with another text
        }
        try {
            return Optional.ofNullable(parsed.get(budget.toMillis(), TimeUnit.MILLISECONDS));
        } catch (ExecutionException e) {
            return Optional.empty(); // it does not know the grammar, or ran out of stack
        } catch (TimeoutException e) {
            stop(parser, parsed);
            return Optional.empty();
        } catch (InterruptedException e) {
            stop(parser, parsed);
            Thread.currentThread().interrupt();
            return Optional.empty();
        }
    }

    /** JSqlParser looks at this flag while it looks ahead, which is where it loses its time. */
    private static void stop(CCJSqlParser parser, Future<Statements> parsed) {
        parser.interrupted = true;
        parsed.cancel(true);
    }

    /** Whether its thread is free. */
    boolean idle() {
        return parsing.getActiveCount() == 0 && parsing.getQueue().isEmpty();
    }

    @Override
    public void close() {
        parsing.shutdownNow();
    }
}
