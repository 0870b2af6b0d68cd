package io.backstop.docs;

import io.backstop.jdbc.BackstopDriver;
import io.backstop.jdbc.policy.InvalidPolicyException;
import io.backstop.jdbc.policy.PolicyReader;
import io.backstop.server.token.InvalidTokenFileException;
import io.backstop.server.token.TokenFile;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.SQLException;
import java.util.Optional;
import java.util.Properties;

/** Settings that a page shows, read by the parts that take them. */
final class SettingsExamples {
    private SettingsExamples() {}

    /** Why the block would not be accepted; empty if it is, or shows no settings. */
    static Optional<String> problem(CodeBlock block, Path folder) throws IOException {
        return switch (block.language()) {
            case "properties" -> problemOfProperties(block);
            case "json" -> problemOfJson(block, folder);
            default -> Optional.empty();
        };
    }

    private static Optional<String> problemOfProperties(CodeBlock block) throws IOException {
        Properties properties = new Properties();
        properties.load(new StringReader(block.text()));
        for (String name : properties.stringPropertyNames()) {
            String value = properties.getProperty(name);
            try {
                if (name.endsWith("driver-class-name")) {
                    Class.forName(value);
                } else if (name.endsWith(".url")) {
                    BackstopDriver driver = new BackstopDriver();
                    if (!driver.acceptsURL(value)) {
                        return Optional.of(block.place() + ": the driver does not accept " + value);
                    }
                    driver.getPropertyInfo(value, new Properties()); // reads every setting's name
                }
            } catch (ClassNotFoundException | SQLException e) {
                return Optional.of(block.place() + ": " + name + ": " + e.getMessage());
            }
        }
        return Optional.empty();
    }

    private static Optional<String> problemOfJson(CodeBlock block, Path folder) throws IOException {
        try {
            switch (block.mark().purpose()) {
                case POLICY -> new PolicyReader().read(block.text(), block.place());
                case TOKENS -> openTokens(block, folder);
                case ANSWER -> new JsonMapper().readTree(block.text());
                default -> {
                    return Optional.of(block.place() + ": JSON needs a mark: policy, tokens or answer");
                }
            }
            return Optional.empty();
        } catch (InvalidPolicyException | InvalidTokenFileException | JacksonException e) {
            return Optional.of(block.place() + ": " + e.getMessage());
        }
    }

    private static void openTokens(CodeBlock block, Path folder) throws IOException, InvalidTokenFileException {
        Path file = Files.createTempFile(
                folder,
                "tokens",
                ".json",
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        Files.writeString(file, block.text());
        TokenFile.open(file);
    }
}
