package io.backstop.cli.completion;

import io.backstop.cli.output.ExitCode;
import picocli.AutoComplete;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

import java.util.concurrent.Callable;

/** {@code backstop completion}: the script by which a shell completes the command's words. */
@Command(
        name = "completion",
        description = {
            "Prints the script that completes commands and options in bash, and in zsh.",
            "In bash: source <(backstop completion). zsh takes the same line after"
                    + " `autoload -U +X bashcompinit && bashcompinit`."
        },
        mixinStandardHelpOptions = true)
public final class CompletionCommand implements Callable<Integer> {
    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before it calls
    private CommandSpec spec;

    @Override
    public Integer call() {
        spec.commandLine()
                .getOut()
                .print(AutoComplete.bash("backstop", spec.root().commandLine()));
        spec.commandLine().getOut().flush();
        return ExitCode.DONE;
    }
}
