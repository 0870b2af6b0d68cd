package io.backstop.cli.restore;

import io.backstop.api.analysis.RelationName;
import io.backstop.cli.output.Terminal;
import io.backstop.recovery.CopybackPlanner;
import io.backstop.recovery.PresentMode;
import io.backstop.recovery.model.RecoveryException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

import java.io.Console;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/** What becomes of a table that is there, where it was made again since it was stored. */
public final class PresentOption {
    private static final String CHOICES = "complete or replace";

    @Option(
            names = "--present",
            paramLabel = "CHOICE",
            converter = Choice.class,
            description =
                    "Where the table was made again since: `complete` gives the present one the stored rows and definitions that"
                            + " it lacks; `replace` sets it aside, puts the restored one in its place and merges the rows that"
                            + " were written since [complete, if its columns allow it; asked for on a terminal].")
    private @Nullable PresentMode given;

    boolean isGiven() {
        return given != null;
    }

    /** @param asking whether somebody at the terminal may choose */
    CopybackPlanner asked(CopybackPlanner planner, boolean asking) {
        return planner.choosing(madeAgain -> choose(madeAgain, asking));
    }

    private Optional<PresentMode> choose(List<RelationName> madeAgain, boolean asking) throws RecoveryException {
        @Nullable PresentMode mode = given;
        if (mode != null) {
            return Optional.of(mode);
        }
        @Nullable
        Console console = asking && !madeAgain.isEmpty() ? Terminal.present().orElse(null) : null;
        return console == null ? Optional.empty() : Optional.of(answer(console, madeAgain));
    }

    private static PresentMode answer(Console console, List<RelationName> madeAgain) throws RecoveryException {
        console.printf(
                "-- %s made again since:%n--   complete  the present table gets the stored rows and definitions that it"
                        + " lacks%n--   replace   it is set aside, the restored one takes its place, and the rows that were"
                        + " written since are merged%n",
                madeAgain.stream().map(RelationName::toString).collect(Collectors.joining(", "))
                        + (madeAgain.size() == 1 ? " was" : " were"));
        @Nullable String answer = console.readLine("-- complete or replace? [complete; Ctrl-D leaves] ");
        if (answer == null) {
            throw new RecoveryException(
                    "nothing was chosen for the table that is there; what was restored is kept",
                    "run it again and choose; --present chooses without a question");
        }
        return answer.isBlank()
                ? PresentMode.COMPLETE
                : parse(answer)
                        .orElseThrow(() -> new RecoveryException(
                                "`" + answer.strip() + "` is no answer; what was restored is kept",
                                "run it again and answer " + CHOICES));
    }

    private static Optional<PresentMode> parse(String word) {
        return switch (word.strip().toLowerCase(Locale.ROOT)) {
            case "complete" -> Optional.of(PresentMode.COMPLETE);
            case "replace" -> Optional.of(PresentMode.REPLACE);
            default -> Optional.empty();
        };
    }

    /** A word of the command line. */
    static final class Choice implements ITypeConverter<PresentMode> {
        @Override
        public PresentMode convert(String value) {
            return parse(value).orElseThrow(() -> new TypeConversionException("`" + value + "` is not " + CHOICES));
        }
    }
}
