package io.backstop.cli.analyze;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.RiskLevel;
import io.backstop.cli.output.ExitCode;
import io.backstop.jdbc.analysis.SqlAnalyzer;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/** Answers lines {@code {"sql": …}} with a line of JSON each, in order. A line that is none gets an error and stops nothing. */
final class JsonLines {
    private static final int BUFFER = 1 << 16;

    private final JsonFactory json = new JsonFactory();
    private final SqlAnalyzer analyzer;
    private final @Nullable RiskLevel failOn;

    JsonLines(SqlAnalyzer analyzer, @Nullable RiskLevel failOn) {
        this.analyzer = analyzer;
        this.failOn = failOn;
    }

    /** The exit code: 1 where a line was malformed, else 3 where one reached the risk to fail on. */
    int run(InputStream in, OutputStream out) throws IOException {
        boolean malformed = false;
        boolean refused = false;
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8), BUFFER);
                BufferedWriter answers =
                        new BufferedWriter(new OutputStreamWriter(out, StandardCharsets.UTF_8), BUFFER)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                try {
                    Assessment assessment = analyzer.assess(sql(line));
                    refused |= failOn != null && assessment.risk().atLeast(failOn);
                    AssessmentJson.write(assessment, answers);
                } catch (MalformedLineException e) {
                    malformed = true;
                    AssessmentJson.writeError(e.getMessage(), answers);
                }
                answers.write('\n');
                if (!lines.ready()) {
                    answers.flush(); // whoever waits for the answer before the next line gets it
                }
            }
        }
        return malformed ? ExitCode.FAILED : refused ? ExitCode.REFUSED : ExitCode.DONE;
    }

    private String sql(String line) throws MalformedLineException {
        Optional<String> sql = Optional.empty();
        try (JsonParser parser = json.createParser(ObjectReadContext.empty(), line)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                throw new MalformedLineException("the line is not a JSON object");
            }
            while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
                boolean wanted = parser.currentName().equals("sql");
                JsonToken value = parser.nextToken();
                if (wanted && value != JsonToken.VALUE_STRING) {
                    throw new MalformedLineException("\"sql\" is not a string");
                }
                if (wanted) {
                    sql = Optional.of(parser.getString());
                } else {
                    parser.skipChildren();
                }
            }
            if (parser.nextToken() != null) {
                throw new MalformedLineException("text after the end of the object");
            }
        } catch (JacksonException e) {
            throw new MalformedLineException("the line is not valid JSON: " + e.getOriginalMessage());
        }
        return sql.orElseThrow(() -> new MalformedLineException("the line has no \"sql\""));
    }

    private static final class MalformedLineException extends Exception {
        private static final long serialVersionUID = 1L;

        MalformedLineException(String message) {
            super(message);
        }

        @Override
        public String getMessage() {
            return String.valueOf(super.getMessage());
        }
    }
}
