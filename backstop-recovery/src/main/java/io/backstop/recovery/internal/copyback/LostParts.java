package io.backstop.recovery.internal.copyback;

import io.backstop.recovery.internal.copyback.PartComparison.Part;
import io.backstop.recovery.internal.copyback.PartComparison.Stage;
import io.backstop.recovery.internal.sql.RecoveryTransaction;
import io.backstop.recovery.internal.text.SqlScript;
import io.backstop.recovery.model.RestoredTable;
import io.backstop.snapshot.schema.DependentKind;
import io.backstop.snapshot.schema.TableDescription.Dependent;

import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * Finds what the stored table had and the present one of its name has not: keys, defaults, indexes, policies, triggers,
 * grants, views and all else. Where the present table is another one, made since, the script completes it; else the parts may
 * have been taken off rightly, and are only offered. Immutable.
 *
 * @param madeAgain whether the present table is another one than that which was stored
 * @param wanted whether they were asked for, so that the table gets them even where it is the same
 */
record LostParts(RestoredTable restored, PresentTable present, boolean madeAgain, boolean wanted, List<Part> parts) {
    /** @param otherwise whether something that hangs on the table comes back by another part of the script */
    static LostParts of(
            RecoveryTransaction transaction, PlannedTable table, boolean wanted, Predicate<Dependent> otherwise)
            throws SQLException {
        PresentTable present = table.present().orElseThrow();
        boolean compared = wanted || table.isMadeAgain();
        List<Part> parts = new PartComparison(
                        transaction,
                        table.restored().description(),
                        present.description(),
                        compared ? Optional.of(LostParts::staysAsItIs) : Optional.empty())
                .parts();
        return new LostParts(
                table.restored(),
                present,
                table.isMadeAgain(),
                wanted,
                parts.stream()
                        .filter(part -> part.dependent().filter(otherwise).isEmpty())
                        .toList());
    }

    /** Which of the two is right, nobody can tell: what is there stays. */
    private static String staysAsItIs(String words) {
        return words + " is another by now, and stays as it is";
    }

    /** All that was lost is written in the end, in parts: what others need first. */
    void write(SqlScript script, List<Part> chosen) {
        if (chosen.isEmpty()) {
            return;
        }
        script.part(
                madeAgain
                        ? present.name() + " was made again since, without what follows: now it gets that"
                        : wanted
                                ? present.name() + " has not what follows any more, and gets it again"
                                : present.name() + " has not what follows any more. If that is missed, uncomment it:");
        for (Part part : chosen) {
            if (comesBack(part)) {
                script.attempt(part.words(), part.sql());
            } else {
                script.note(part.words());
                part.obstacle().ifPresent(script::note);
                part.sql().forEach(script::commentOut);
            }
        }
    }

    List<Part> parts(Stage stage) {
        return parts.stream().filter(part -> part.stage() == stage).toList();
    }

    /** Whether it is a foreign key of the table's own that the script gives it again. */
    boolean bringsBack(Dependent dependent) {
        return dependent.kind() == DependentKind.FOREIGN_KEY
                && dependent
                        .place()
                        .filter(place -> place.isOn(restored.original()) && bringsBackKey(place.name()))
                        .isPresent();
    }

    private boolean bringsBackKey(String name) {
        return parts(Stage.FOREIGN_KEY).stream()
                .anyMatch(part -> comesBack(part) && part.words().equals(PartComparison.wordsOfConstraint(name)));
    }

    /** What hung on the table, in an order in which it can be made again. */
    List<Dependent> dependents() {
        return parts.stream().flatMap(part -> part.dependent().stream()).toList();
    }

    Optional<Part> part(Dependent dependent) {
        return parts.stream()
                .filter(part -> part.dependent().filter(dependent::equals).isPresent())
                .findFirst();
    }

    /** Whether the present table has all that the stored one had, once the script has run. */
    boolean areBack() {
        return parts.stream().allMatch(this::comesBack);
    }

    private boolean comesBack(Part part) {
        return (madeAgain || wanted) && part.obstacle().isEmpty();
    }

    Optional<String> warning() {
        if (parts.isEmpty()) {
            return Optional.empty();
        }
        String words = parts.stream().map(Part::words).collect(Collectors.joining(", "));
        return Optional.of(
                areBack()
                        ? "table " + present.name() + (madeAgain ? " was made again since, without " : " lacks ")
                                + words + ": the script gives it these"
                        : "table " + present.name() + " has not all that the snapshot has: " + words
                                + "; the script offers what it does not bring back, and " + restored.target()
                                + " has the most of it: keep that");
    }
}
