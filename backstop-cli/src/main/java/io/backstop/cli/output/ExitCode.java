package io.backstop.cli.output;

/** How the command ends, for scripts. */
public final class ExitCode {
    public static final int DONE = 0;
    public static final int FAILED = 1;
    /** The command line was not understood; picocli's own code for it. */
    public static final int USAGE = 2;
    /** A safety check said no: nothing was changed. */
    public static final int REFUSED = 3;

    private ExitCode() {}
}
