package io.backstop.jdbc.analysis;

import com.alibaba.druid.sql.SQLUtils;
import com.alibaba.druid.wall.WallProvider;
import com.alibaba.druid.wall.spi.PGWallProvider;
import io.backstop.api.analysis.Assessment;
import io.backstop.jdbc.internal.analysis.command.StatementReader;
import io.backstop.jdbc.internal.analysis.scan.Lexer;
import io.backstop.jdbc.internal.analysis.scan.StatementSplitter;
import io.backstop.jdbc.internal.analysis.scan.TokenList;
import io.backstop.jdbc.internal.analysis.scan.TokenSpan;
import java.util.concurrent.TimeUnit;
import net.sf.jsqlparser.parser.CCJSqlParser;
import net.sf.jsqlparser.parser.ParseException;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.Blackhole;

/** Reads fifty statements of ordinary applications; every figure is for one statement. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@OperationsPerInvocation(ApplicationStatements.COUNT)
public class AnalysisBenchmark {
    private final SqlAnalyzer analyzer = SqlAnalyzer.create();
    private final WallProvider wall = new PGWallProvider();

    /** The scanner without any cache. */
    @Benchmark
    public void backstop_cold(Blackhole blackhole) {
        for (String sql : ApplicationStatements.ALL) {
            TokenList tokens = Lexer.scan(sql, true);
            for (TokenSpan span : StatementSplitter.split(tokens)) {
                blackhole.consume(StatementReader.read(tokens, span));
            }
        }
    }

    @Benchmark
    public void backstop_cached(Blackhole blackhole) {
        for (String sql : ApplicationStatements.ALL) {
            Assessment assessment = analyzer.assess(sql);
            blackhole.consume(assessment);
        }
    }

    @Benchmark
    public void jsqlparser(Blackhole blackhole) {
        for (String sql : ApplicationStatements.ALL) {
            try {
                blackhole.consume(new CCJSqlParser(sql).withAllowComplexParsing(true).Statement());
            } catch (ParseException e) {
                // It does not know every ordinary statement; finding that out is work, too.
                blackhole.consume(e);
            }
        }
    }

    @Benchmark
    public void druid_parser(Blackhole blackhole) {
        for (String sql : ApplicationStatements.ALL) {
            blackhole.consume(SQLUtils.parseStatements(sql, "postgresql"));
        }
    }

    /** Druid's WallFilter remembers what it has allowed. */
    @Benchmark
    public void druid_wall(Blackhole blackhole) {
        for (String sql : ApplicationStatements.ALL) {
            blackhole.consume(wall.check(sql));
        }
    }
}
