package io.backstop.cli.restore;

import io.backstop.recovery.GuidedRecovery;
import io.backstop.recovery.Restore;
import picocli.CommandLine.Option;

/** Whether copies of earlier recoveries that are in the way are replaced. */
public final class ReplaceOption {
    @Option(
            names = "--replace-recovered",
            description =
                    "Drop a table that an earlier restore made under the target's name, and make it anew. A table that"
                            + " Backstop did not make is never dropped.")
    private boolean asked;

    boolean isAsked() {
        return asked;
    }

    Restore asked(Restore restore) {
        return asked ? restore.replacing() : restore;
    }

    GuidedRecovery asked(GuidedRecovery recovery) {
        return asked ? recovery.replacing() : recovery;
    }
}
