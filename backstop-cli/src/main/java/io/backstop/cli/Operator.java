package io.backstop.cli;

import picocli.CommandLine.Option;

/** The option that says who acts, for the audit. */
final class Operator {
    @Option(
            names = "--as",
            paramLabel = "NAME",
            defaultValue = "${sys:user.name}",
            description = "Who acts, for the audit [the user of this process].")
    private String name = "";

    String name() {
        return name;
    }
}
