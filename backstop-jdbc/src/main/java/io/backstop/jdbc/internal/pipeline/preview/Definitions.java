package io.backstop.jdbc.internal.pipeline.preview;

import io.backstop.jdbc.internal.analysis.detail.WordsOfText;
import io.backstop.jdbc.internal.digest.Sha256Digest;
import io.backstop.jdbc.internal.pipeline.preview.ReachedCode.Routine;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** Collects the answer to {@link ReachQuery}, row by row. Confined to one thread. */
final class Definitions {
    /** The rule that makes a relation a view (PostgreSQL's rewrite/rewriteSupport.h). */
    private static final String VIEW = "_RETURN";

    private static final String NEXTVAL = "nextval";
    private static final char SET_DEFAULT = 'd';
    private static final int DIGEST_LENGTH = 32;

    /** What there is, by the transaction that wrote it. */
    private final Map<String, String> lines = new TreeMap<>();

    private final Set<String> routineWriters = new TreeSet<>();
    private final List<String> texts = new ArrayList<>();
    private final Set<String> words = new HashSet<>();
    private final Set<Long> calls = new HashSet<>();
    private final Set<Long> defaultCalls = new HashSet<>();
    private final Set<Routine> routines = new HashSet<>();
    private final Set<String> relationKinds = new HashSet<>();
    private boolean rewritten;
    private boolean drawsNumbers;
    private boolean setsDefaults;

    /** What a row of the answer is about. */
    private enum Kind {
        RELATION,
        COLUMN,
        IDENTITY,
        ROUTINE,
        AGGREGATE,
        RULE,
        TRIGGER,
        EVENT_TRIGGER,
        DEFAULT,
        POLICY,
        CONSTRAINT,
        TYPE,
        OPERATOR,
        CAST
    }

    void add(ResultSet row) throws SQLException {
        Kind kind = Kind.valueOf(row.getString(1));
        String identity = row.getString(2);
        String trees = row.getString(3);
        String source = row.getString(4);
        String detail = row.getString(5);
        lines.put(String.join("\0", kind.name(), identity, trees, source, detail), row.getString(9));
        NodeTree tree = NodeTree.of(trees);
        (kind == Kind.DEFAULT ? defaultCalls : calls).addAll(tree.functions());
        texts.addAll(tree.strings());
        switch (kind) {
            case RELATION -> relationKinds.add(detail);
            case ROUTINE -> {
                routine(row, source, detail);
                routineWriters.add(identity + ' ' + row.getString(9));
            }
            case RULE -> rewritten |= !detail.equals(VIEW);
            case IDENTITY -> drawsNumbers = true;
            case CONSTRAINT -> setsDefaults |= detail.indexOf(SET_DEFAULT) >= 0;
            default -> {
                // Its definition is all.
            }
        }
    }

    /** What an extension's functions run is judged by their names. */
    private void routine(ResultSet row, String source, String language) throws SQLException {
        Routine routine = new Routine(row.getString(8), language, row.getBoolean(6), row.getString(7));
        routines.add(routine);
        if (routine.isUsers()) {
            texts.add(source);
            words.addAll(WordsOfText.in(source));
        }
    }

    /** The oids of what stored expressions call, defaults apart. */
    Set<Long> calls() {
        return calls;
    }

    /** The oids of what defaults call. */
    Set<Long> defaultCalls() {
        return defaultCalls;
    }

    /**
     * @param called the names of {@link #calls}
     * @param calledByDefaults the names of {@link #defaultCalls}
     */
    ReachedCode reached(Set<String> called, Set<String> calledByDefaults) {
        words.addAll(called);
        if (drawsNumbers) {
            calledByDefaults.add(NEXTVAL);
        }
        return new ReachedCode(
                digest(),
                lines,
                routineWriters,
                texts,
                words,
                routines,
                relationKinds,
                rewritten,
                calledByDefaults,
                setsDefaults);
    }

    private String digest() {
        MessageDigest digest = Sha256Digest.start();
        for (String line : lines.keySet()) {
            digest.update((line.length() + " " + line).getBytes(StandardCharsets.UTF_8));
        }
        return HexFormat.of().formatHex(digest.digest()).substring(0, DIGEST_LENGTH);
    }
}
