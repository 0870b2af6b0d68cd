package io.backstop.recovery.internal.schema;

import io.backstop.recovery.internal.sql.RecoveryTransaction;
import io.backstop.recovery.internal.text.SqlFragments;
import io.backstop.recovery.internal.text.SqlScript;
import io.backstop.snapshot.describe.ObjectDescriber;
import io.backstop.snapshot.schema.PrerequisiteKind;
import io.backstop.snapshot.schema.TableDescription;
import io.backstop.snapshot.schema.TableDescription.Prerequisite;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.sql.SQLException;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Functions, types and sequences that went by themselves, as they were. What is missing of them is made again; what is there
 * and is another stays, and is named; a sequence that is there goes on after what it gave. A schema that was made again gets what it lacks. Immutable.
 *
 * @param objects each with what it is made of, oldest first
 * @param schema the one that they and the tables are in, where what it was is known
 */
public record StoredObjects(List<Parts> objects, Optional<Prerequisite> schema) {
    private static final Logger LOG = LoggerFactory.getLogger(StoredObjects.class);

    public static final StoredObjects NONE = new StoredObjects(List.of(), Optional.empty());

    public StoredObjects {
        objects = List.copyOf(objects);
    }

    /**
     * Objects that were stored together.
     *
     * @param all with what they are made of, in an order in which they can be made
     * @param own what was lost of these, and is not only needed
     */
    public record Parts(List<Prerequisite> all, Set<Prerequisite> own) {
        public Parts {
            all = List.copyOf(all);
            own = Set.copyOf(own);
        }

        /** One object, which comes last. */
        public static Parts of(TableDescription object) {
            return new Parts(object.prerequisites(), Set.of(ObjectDescriber.itself(object)));
        }

        /** What went with a schema: what its tables do not own. */
        public static Parts ofSchema(List<Prerequisite> parts) {
            return new Parts(parts, Set.copyOf(parts));
        }

        /** What can be made before any view is: all up to the first that waits for one. */
        private Parts standingAlone() {
            List<Prerequisite> first =
                    all.stream().takeWhile(part -> !waitsForDefinitions(part)).toList();
            Set<Prerequisite> lost = new HashSet<>(own);
            lost.retainAll(first);
            return new Parts(lost.isEmpty() ? List.of() : first, lost);
        }

        private static boolean waitsForDefinitions(Prerequisite part) {
            return part.kind() == PrerequisiteKind.ROW_TYPE_OF_VIEW
                    || part.sql().stream().anyMatch(SqlFragments::hasStandardBody);
        }
    }

    /**
     * Those that views and definitions of tables may need, and that need none of these: they can be made as soon as the tables
     * are there.
     */
    public StoredObjects beforeDefinitions() {
        return new StoredObjects(objects.stream().map(Parts::standingAlone).toList(), schema);
    }

    /** All of them, of which the others are made now. */
    public StoredObjects afterDefinitions() {
        return new StoredObjects(objects, Optional.empty());
    }

    /** Makes what is missing of them, as far as that goes now; the script tries again. */
    public void create(RecoveryTransaction transaction) throws SQLException {
        for (Parts object : objects) {
            for (Prerequisite part : object.all()) {
                if (!part.sql().isEmpty() && !transaction.has(part)) {
                    try {
                        MissingObject.make(transaction, part).forEach(LOG::warn);
                    } catch (SQLException e) {
                        LOG.debug("{} {} cannot be made before the tables", part.kind(), part.identity(), e);
                    }
                }
            }
        }
    }

    /**
     * Writes what makes them again.
     *
     * @param named what was written before, which is added to
     * @param warnings are added to, where one is another by now
     */
    public void write(RecoveryTransaction transaction, SqlScript script, Set<String> named, List<String> warnings)
            throws SQLException {
        if (schema.isPresent()) {
            writeSchema(transaction, script, schema.get(), warnings);
        }
        for (Parts object : objects) {
            for (Prerequisite part : object.all()) {
                String name = part.kind() + " " + part.identity();
                if (!transaction.has(part)) {
                    if (!part.sql().isEmpty() && named.add(name)) {
                        script.part(name + " went by itself, and comes back");
                        MissingObject.write(script, part);
                    }
                } else if (object.own().contains(part)) {
                    PresentObject.tell(transaction, script, part, warnings);
                }
                if (transaction.has(part) && named.add("the value of " + name + part.sql())) {
                    StandaloneSequence.write(transaction, script, part, warnings);
                }
            }
        }
    }

    /**
     * Grants that it lacks and a comment where it has none; another owner or comment is named. One that is missing is made with
     * its tables.
     */
    private static void writeSchema(
            RecoveryTransaction transaction, SqlScript script, Prerequisite stored, List<String> warnings)
            throws SQLException {
        Optional<Prerequisite> present = PresentObject.find(transaction, stored);
        if (present.isEmpty()) {
            return;
        }
        List<List<String>> grants = MissingObject.grantsBeyond(stored, present.get());
        String words = "schema " + stored.identity();
        if (!grants.isEmpty()) {
            script.part(words + " was made or altered since; this is what it granted");
            grants.forEach(grant -> script.attempt("a right on " + words, grant));
        }
        for (String sql : stored.sql()) {
            boolean comments = sql.startsWith("COMMENT ");
            boolean owns = sql.contains(" OWNER TO ");
            if ((comments || owns) && !present.get().sql().contains(sql)) {
                if (comments && present.get().sql().stream().noneMatch(other -> other.startsWith("COMMENT "))) {
                    script.attempt("the comment of " + words, List.of(sql));
                } else {
                    String warning = words + " has another " + (owns ? "owner" : "comment") + " by now, and keeps it";
                    warnings.add(warning);
                    script.part(warning);
                    script.commentOut(sql);
                }
            }
        }
    }
}
