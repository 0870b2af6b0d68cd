package io.backstop.cli.analyze;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.Finding;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.analysis.SecondOpinion;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;

import java.io.StringWriter;
import java.io.Writer;
import java.util.Locale;

/** An assessment as one line of JSON. Stateless, thread-safe. */
final class AssessmentJson {
    private static final JsonFactory JSON = new JsonFactory();

    private AssessmentJson() {}

    static String write(Assessment assessment) {
        StringWriter line = new StringWriter();
        write(assessment, line);
        return line.toString();
    }

    /** Writes the object without a line feed, and leaves the writer open. */
    static void write(Assessment assessment, Writer out) {
        try (JsonGenerator json = generator(out)) {
            json.writeStartObject();
            json.writeStringProperty("risk_level", assessment.risk().name());
            json.writeStringProperty("operation", assessment.operation());
            json.writeArrayPropertyStart("tables");
            for (RelationName table : assessment.tables()) {
                json.writeString(table.toString());
            }
            json.writeEndArray();
            json.writeBooleanProperty("parse_error_present", assessment.parseErrorPresent());
            json.writeNumberProperty("statements", assessment.statements().size());
            json.writeArrayPropertyStart("findings");
            for (Finding finding : assessment.findings()) {
                json.writeStartObject();
                json.writeStringProperty("rule", finding.rule().value());
                json.writeStringProperty("reason", finding.reason());
                json.writeEndObject();
            }
            json.writeEndArray();
            if (assessment.secondOpinion() != SecondOpinion.NOT_ASKED) {
                json.writeStringProperty(
                        "second_reader", assessment.secondOpinion().name().toLowerCase(Locale.ROOT));
            }
            json.writeEndObject();
        }
    }

    static void writeError(String message, Writer out) {
        try (JsonGenerator json = generator(out)) {
            json.writeStartObject();
            json.writeStringProperty("error", message);
            json.writeEndObject();
        }
    }

    private static JsonGenerator generator(Writer out) {
        return JSON.createGenerator(ObjectWriteContext.empty(), new Unclosed(out));
    }

    /** The generator closes what it writes to; the lines after this one need it. */
    private static final class Unclosed extends java.io.FilterWriter {
        Unclosed(Writer out) {
            super(out);
        }

        @Override
        public void write(char[] buffer, int offset, int length) throws java.io.IOException {
            out.write(buffer, offset, length);
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    }
}
