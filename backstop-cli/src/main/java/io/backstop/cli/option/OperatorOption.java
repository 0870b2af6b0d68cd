package io.backstop.cli.option;

import picocli.CommandLine.Option;

/** The option that says who acts, for the audit. */
public final class OperatorOption {
    @Option(
            names = "--as",
            paramLabel = "NAME",
            defaultValue = "${sys:user.name}",
            description = "Who acts, for the audit [the user of this process].")
    private String name = "";

    public String name() {
        return name;
    }
}
