package io.backstop.cli.restore;

import io.backstop.api.audit.AuditRecord;
import io.backstop.api.control.ControlStore;
import io.backstop.api.error.ControlStoreUnavailableException;
import io.backstop.cli.option.ControlOption;
import io.backstop.cli.output.RefusedException;
import io.backstop.cli.output.Terminal;
import io.backstop.recovery.GuidedRecovery;
import io.backstop.recovery.model.HistoryEntry;
import io.backstop.recovery.model.RecoveryException;
import io.backstop.recovery.model.RecoveryPoint;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

import java.io.Console;
import java.sql.Connection;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/** The moment in a table's history before which it is wanted back. */
public final class BeforeOption {
    private static final Pattern NUMBER = Pattern.compile("[0-9]{1,18}");

    @Mixin
    private final ControlOption control = new ControlOption();

    @Option(
            names = "--before",
            paramLabel = "WHEN",
            converter = Moment.class,
            description =
                    "As the table was before that: a snapshot (snap_…), an approval (appr_…), a number of the audit, or"
                            + " a time with its offset [before the newest loss; asked for on a terminal if there are several].")
    private @Nullable String before;

    /**
     * The moment; empty for the newest.
     *
     * @param asking whether somebody at the terminal may choose
     */
    Optional<RecoveryPoint> point(GuidedRecovery recovery, Connection connection, String table, boolean asking)
            throws RecoveryException, RefusedException, ControlStoreUnavailableException {
        Optional<RecoveryPoint> given = given();
        if (given.isPresent()) {
            return given;
        }
        @Nullable Console console = asking ? Terminal.present().orElse(null) : null;
        if (console == null) {
            return Optional.empty();
        }
        List<HistoryEntry> history = recovery.history(connection, table);
        return history.size() < 2 ? Optional.empty() : chosen(console, history);
    }

    boolean isGiven() {
        return before != null;
    }

    /** The moment that the command line names. */
    Optional<RecoveryPoint> given() throws RecoveryException, RefusedException, ControlStoreUnavailableException {
        @Nullable String when = before;
        return when == null
                ? Optional.empty()
                : Optional.of(
                        NUMBER.matcher(when).matches() ? ofAudit(Long.parseLong(when)) : RecoveryPoint.parse(when));
    }

    private static Optional<RecoveryPoint> chosen(Console console, List<HistoryEntry> history) throws RefusedException {
        console.printf(
                "-- %s has several snapshots, newest first:%n",
                history.get(0).manifest().table());
        for (int i = 0; i < history.size(); i++) {
            console.printf("--   %d  %s%n", i + 1, history.get(i).words());
        }
        @Nullable
        String answer = console.readLine("-- which one is to be restored? [the newest that has rows; Ctrl-D leaves] ");
        if (answer == null) {
            throw new RefusedException(
                    "no snapshot was chosen; nothing was restored",
                    "run it again and choose one; --before chooses without a question");
        }
        if (answer.isBlank()) {
            return Optional.empty();
        }
        String number = answer.strip();
        if (!NUMBER.matcher(number).matches()
                || Long.parseLong(number) < 1
                || Long.parseLong(number) > history.size()) {
            throw new RefusedException(
                    "`" + number + "` is none of these snapshots",
                    "answer with a number of the list, from 1 to " + history.size());
        }
        return Optional.of(new RecoveryPoint.Statement(
                history.get(Integer.parseInt(number) - 1).manifest().snapshotId()));
    }

    /** What no moment can be is an error of usage. */
    static final class Moment implements ITypeConverter<String> {
        @Override
        public String convert(String value) {
            try {
                if (!NUMBER.matcher(value).matches()) {
                    RecoveryPoint.parse(value);
                }
                return value;
            } catch (RecoveryException e) {
                throw new TypeConversionException(String.valueOf(e.getMessage()));
            }
        }
    }

    private RecoveryPoint ofAudit(long number) throws RefusedException, ControlStoreUnavailableException {
        try (ControlStore store = control.openExisting()) {
            AuditRecord record = store.audit()
                    .record(number)
                    .orElseThrow(() -> new RefusedException(
                            "the audit has no record " + number, "`backstop audit list` shows the newest ones"));
            return record.event()
                    .snapshotGroup()
                    .map(RecoveryPoint.Statement::new)
                    .orElseThrow(() -> new RefusedException(
                            "no snapshot was taken for record " + number + " of the audit",
                            "name a time, or another record of the same statement"));
        }
    }
}
