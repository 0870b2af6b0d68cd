package io.backstop.cli.analyze;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.policy.Policy;
import io.backstop.api.policy.Verdict;
import io.backstop.cli.option.DatabaseAddress;
import io.backstop.cli.output.ExitCode;
import io.backstop.cli.output.FailureReport;
import io.backstop.cli.output.PrintableText;
import io.backstop.jdbc.analysis.SqlAnalyzer;
import io.backstop.jdbc.policy.InvalidPolicyException;
import io.backstop.jdbc.policy.Judge;
import io.backstop.jdbc.policy.PolicyProfiles;
import io.backstop.jdbc.policy.SessionState;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.concurrent.Callable;

/** {@code backstop analyze}. Runs nothing, and needs no database. */
@Command(
        name = "analyze",
        description = "Tells what SQL would do, how risky it is, and what the policy would say to it. Runs nothing.",
        mixinStandardHelpOptions = true)
public final class AnalyzeCommand implements Callable<Integer> {
    @ArgGroup(multiplicity = "1")
    private Input input = new Input();

    @Option(
            names = "--policy",
            paramLabel = "POLICY",
            defaultValue = "strict",
            description = "A policy file, or strict, application, read-only, monitor [${DEFAULT-VALUE}].")
    private String policy = "strict";

    @Option(
            names = "--db",
            paramLabel = "URL",
            converter = DatabaseAddress.Converter.class,
            description = "Also tell what this database knows of the tables, and estimate how many rows would change.")
    private @Nullable DatabaseAddress database;

    @Option(
            names = "--fail-on",
            paramLabel = "RISK",
            description = "Exit with 3 where a statement reaches this risk: WRITE, HIGH or CRITICAL.")
    private @Nullable RiskLevel failOn;

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Spec
    private @Nullable CommandSpec command;

    /** Where the SQL comes from. */
    private static final class Input {
        @Parameters(paramLabel = "SQL", description = "One or more statements.")
        private @Nullable String sql;

        @Option(names = "--file", paramLabel = "FILE", description = "A file in UTF-8, for instance a migration.")
        private @Nullable Path file;

        @Option(
                names = "--jsonl",
                description = "Read lines {\"sql\": …} from standard input, and answer each with a line of JSON.")
        private boolean jsonl;
    }

    @Override
    public Integer call() throws IOException, SQLException, InvalidPolicyException {
        if (command == null) {
            throw new IllegalStateException("picocli has not set the command");
        }
        PrintWriter out = command.commandLine().getOut();
        SqlAnalyzer analyzer = SqlAnalyzer.create();
        if (input.jsonl) {
            return new JsonLines(analyzer, failOn).run(System.in, System.out);
        }
        String sql = text();
        Policy rules = PolicyProfiles.named(policy).current();
        Judge judge = new Judge();
        Assessment read;
        try (JSqlParserOpinion second = new JSqlParserOpinion()) {
            read = second.read(sql, analyzer.assess(sql));
        }
        Assessment assessment = judge.weigh(read, rules).with(read.secondOpinion());
        Verdict verdict = judge.decide(assessment, rules, SessionState.CLEAR);
        if (json) {
            out.println(AssessmentJson.write(assessment));
        } else {
            new AssessmentText(out).print(assessment, rules, verdict);
            if (database != null) {
                try (Connection connection = database.connect()) {
                    new CatalogFacts(connection)
                            .of(sql, assessment)
                            .forEach(fact -> out.println(PrintableText.line("  catalog   " + fact)));
                }
            }
        }
        out.flush();
        return failOn != null && assessment.risk().atLeast(failOn) ? ExitCode.REFUSED : ExitCode.DONE;
    }

    private String text() throws IOException {
        if (input.file != null) {
            try {
                return Files.readString(input.file);
            } catch (IOException e) {
                throw new IOException("--file " + input.file + " cannot be read: " + FailureReport.reason(e), e);
            }
        }
        return input.sql == null ? "" : input.sql;
    }
}
