package io.backstop.cli.restore;

import io.backstop.recovery.CopybackPlanner;
import io.backstop.recovery.model.ConflictMode;
import picocli.CommandLine.Option;

/** Whether the script is rehearsed. */
public final class RehearsalOption {
    @Option(
            names = "--no-rehearsal",
            description =
                    "Do not run the SQL in a transaction that is rolled back to see whether it works; that takes its"
                            + " locks, and as long as it will.")
    private boolean skipped;

    CopybackPlanner planner() {
        return new CopybackPlanner(ConflictMode.AS_FOUND, !skipped);
    }
}
