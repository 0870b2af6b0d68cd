package io.backstop.recovery.internal.copyback;

import io.backstop.recovery.model.CopybackCounts;
import io.backstop.recovery.model.CopybackPlan.Part;
import io.backstop.recovery.model.CopybackPlan.Situation;
import io.backstop.recovery.model.RestoredTable;

import java.util.List;
import java.util.Optional;

/** A restored table and the one whose rows it holds, if that is still there. */
public record PlannedTable(RestoredTable restored, Optional<PresentTable> present) {
    /** @param rows what becomes of the stored rows */
    public Part part(CopybackCounts rows) {
        return new Part(restored.original(), restored.target(), situation(), rows);
    }

    public Situation situation() {
        if (restored.wasTemporary()) {
            return Situation.TEMPORARY;
        }
        return present.map(p -> differences().isEmpty() ? Situation.PRESENT : Situation.CHANGED)
                .orElse(Situation.GONE);
    }

    /** What the script does, for its head. */
    public String words() {
        return switch (situation()) {
            case GONE -> "the table is gone, so the restored one takes its place";
            case PRESENT ->
                isLocal()
                        ? "the table is there, so rows are put back into it"
                        : "the foreign table is there, with rows of another server, so nothing is done to it";
            case CHANGED -> "the table is there with other columns, so the two are swapped";
            case TEMPORARY -> "it was a temporary table, so the restored one stays where it is";
        };
    }

    /** Whether its rows are in this database. */
    public boolean isLocal() {
        return restored.description().foreign().isEmpty();
    }

    public List<String> differences() {
        return present.map(p -> p.differences(restored.description())).orElse(List.of());
    }
}
