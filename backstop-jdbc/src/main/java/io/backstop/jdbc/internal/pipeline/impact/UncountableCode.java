package io.backstop.jdbc.internal.pipeline.impact;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.StatementAssessment;
import io.backstop.jdbc.internal.analysis.detail.ServerCopies;
import io.backstop.jdbc.internal.analysis.detail.WordsOfText;
import io.backstop.jdbc.internal.analysis.rule.EvaluatingCommands;
import io.backstop.jdbc.internal.analysis.rule.FunctionRules;
import io.backstop.jdbc.internal.analysis.rule.ReviewedFunctions;
import io.backstop.jdbc.internal.analysis.rule.Rule;
import io.backstop.jdbc.internal.analysis.rule.SettingRules;
import io.backstop.jdbc.internal.pipeline.catalog.Dependencies.Dependency;
import io.backstop.jdbc.internal.pipeline.catalog.ForeignTables;
import io.backstop.jdbc.internal.pipeline.catalog.OpenRoles;
import io.backstop.jdbc.internal.pipeline.catalog.StoredCalls;
import io.backstop.jdbc.policy.Judge;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Finds code that changes what no counter of its session shows: over another connection, by a program, by a foreign table, or
 * by text that it puts together in a role to which one of these is open. Stateless, thread-safe.
 */
final class UncountableCode {
    private static final Pattern PROGRAM = Pattern.compile("\\bcopy\\b[^;]*\\bprogram\\b", Pattern.CASE_INSENSITIVE);

    /** A COPY to or from what is no stream: a literal, behind whatever comments. */
    private static final Pattern FILE = Pattern.compile(
            "\\bcopy\\b[^;]*\\b(to|from)\\b(\\s|/\\*.*?\\*/|--[^\\n]*\\n)*([eu]&?)?['$]",
            Pattern.CASE_INSENSITIVE | Pattern.DOTALL);

    /** Large objects are counted. */
    private static final String OF_LARGE_OBJECTS = "lo_";

    /** These write or read a file of the server. */
    private static final Set<String> FILES_OF_LARGE_OBJECTS = Set.of("lo_export", "lo_import");

    /** With these code runs text that cannot be read in it. */
    private static final Set<String> BUILDING_TEXT =
            Set.of("execute", "plpy", "plv8", "spi_exec_query", "spi_query", "spi_exec");

    private static final Pattern SET_CONFIG = Pattern.compile("\\bset_config\\b", Pattern.CASE_INSENSITIVE);

    /** With the setting's name as a constant, in quotes or doubled ones. */
    private static final Pattern SET_CONSTANT =
            Pattern.compile("\\bset_config\\s*\\(\\s*'{1,2}([^'\\\\]*)'{1,2}\\s*,", Pattern.CASE_INSENSITIVE);

    private static final String CONSTANT = "('([^'\\\\]|'')*+'|true|false|null|[0-9]++)";

    private static final String LANGUAGE = "language";
    private static final String OWN_LANGUAGE = "plpgsql";
    private static final String COMPILED = "c";
    private static final Set<String> READ_LANGUAGES = Set.of("sql", OWN_LANGUAGE);

    private static final String RUNS_TEXT = "runs text that it puts together";
    private static final String OPEN =
            ", in a role that may switch the server's counters off, run programs or open other connections";

    private UncountableCode() {}

    /** PostgreSQL's own functions that leave the transaction or run text. */
    static Set<String> builtIn() {
        return ReviewedFunctions.dangerous().stream()
                .filter(name -> FILES_OF_LARGE_OBJECTS.contains(name) || is(name, Rule.QUERY_FROM_TEXT))
                .collect(Collectors.toUnmodifiableSet());
    }

    /** Why what a text changes cannot be counted, by what stands in it and by what it leads to. */
    static Optional<Excess> in(Connection connection, Assessment assessment, String sql, CodeOnWrite.Facts code)
            throws SQLException {
        Optional<String> leaving = leavingIn(assessment, sql).or(() -> reached(code.leaving(), assessment, sql, true));
        if (leaving.isPresent()) {
            return leaving.map(UncountableCode::uncounted);
        }
        Optional<String> building = runsText(assessment, sql).or(() -> reached(code.building(), assessment, sql, true));
        if (building.isPresent() && OpenRoles.ofSession(connection)) {
            return building.map(what -> uncounted(what + OPEN));
        }
        return assessment.findings().stream()
                .filter(finding -> finding.rule().equals(Judge.FOREIGN_TABLE))
                .findFirst()
                .map(finding -> "it " + finding.reason())
                .or(() -> reached(code.elsewhere(), assessment, sql, false))
                .map(what -> Excess.elsewhere(reason(what)));
    }

    private static Excess uncounted(String what) {
        return Excess.uncounted(reason(what));
    }

    private static String reason(String what) {
        return "what it changes cannot be counted: " + what;
    }

    private static boolean isBlock(Assessment assessment) {
        return assessment.statements().stream().anyMatch(statement -> statement.holds(CommandTag.DO));
    }

    private static Optional<String> leavingIn(Assessment assessment, String sql) {
        if (isBlock(assessment)) {
            return leaving(WordsOfText.in(sql), sql).map(reason -> "the block " + reason);
        }
        return callsLeaving(assessment) || definesAndGoesOn(assessment)
                ? calledBy(WordsOfText.in(sql)).map(reason -> "its text " + reason)
                : Optional.empty();
    }

    private static Optional<String> runsText(Assessment assessment, String sql) {
        Set<String> words = WordsOfText.in(sql);
        if (!isBlock(assessment)) {
            return runsQueryFromText(assessment)
                            && words.stream()
                                    .anyMatch(word -> is(word, Rule.QUERY_FROM_TEXT) && !onlyOnConstants(word, sql))
                    ? Optional.of("its text " + RUNS_TEXT)
                    : Optional.empty();
        }
        return buildsText(words, sql) || (words.contains(LANGUAGE) && !words.contains(OWN_LANGUAGE))
                ? Optional.of("the block " + RUNS_TEXT)
                : Optional.empty();
    }

    /** A block, and what a function runs as text, are read by their words. */
    private static Optional<String> reached(
            UncountableReach reach, Assessment assessment, String sql, boolean byAnyName) {
        for (StatementAssessment statement : assessment.statements()) {
            Optional<String> how = reach.of(statement, byAnyName);
            if (how.isPresent()) {
                return how;
            }
        }
        boolean text = isBlock(assessment) || runsQueryFromText(assessment);
        return text ? reach.of(sql) : Optional.empty();
    }

    private static boolean runsQueryFromText(Assessment assessment) {
        return assessment.findings().stream().anyMatch(each -> each.rule().equals(Rule.QUERY_FROM_TEXT.id()));
    }

    /** Whether a query calls what may run a text that stands in it. */
    private static boolean callsLeaving(Assessment assessment) {
        return LimitedExecution.holdsUnseenCode(assessment)
                && assessment.statements().stream().allMatch(each -> EvaluatingCommands.onRows(each.tag()));
    }

    private static Optional<String> calledBy(Set<String> words) {
        return words.stream()
                .filter(word -> FILES_OF_LARGE_OBJECTS.contains(word)
                        || (is(word, Rule.UNSEEN_FUNCTION) && !word.startsWith(OF_LARGE_OBJECTS)))
                .findFirst()
                .map(word -> "names " + word + ", which works outside of its transaction");
    }

    /** Whether it may run what it has just defined, under whatever name. */
    private static boolean definesAndGoesOn(Assessment assessment) {
        boolean defined = false;
        for (StatementAssessment each : assessment.statements()) {
            if (defined && EvaluatingCommands.evaluates(each.tag())) {
                return true;
            }
            defined |= EvaluatingCommands.defines(each.tag());
        }
        return false;
    }

    private static Optional<String> leaving(Set<String> words, String text) {
        return calledBy(words)
                .or(() -> PROGRAM.matcher(text).find() || ServerCopies.runsProgram(text)
                        ? Optional.of("names a program, which works outside of its transaction")
                        : Optional.empty())
                .or(() -> FILE.matcher(text).find() || ServerCopies.opensFile(text)
                        ? Optional.of("names a file of the server, which no rollback brings back")
                        : Optional.empty());
    }

    /** Whether it runs text, or changes a setting, that cannot be read in it. */
    private static boolean buildsText(Set<String> words, String text) {
        return BUILDING_TEXT.stream().anyMatch(words::contains)
                || words.stream().anyMatch(word -> is(word, Rule.QUERY_FROM_TEXT))
                || (words.contains(SettingRules.SET_CONFIG) && !setsOrdinarySettings(text));
    }

    /** Whether all calls of a function have constants alone, so that what they run stands in the text. */
    private static boolean onlyOnConstants(String function, String text) {
        Pattern named = Pattern.compile("\\b" + Pattern.quote(function) + "\\b", Pattern.CASE_INSENSITIVE);
        Pattern constant = Pattern.compile(
                "\\b" + Pattern.quote(function) + "\\b\\s*\\(\\s*" + CONSTANT + "(\\s*,\\s*" + CONSTANT + ")*\\s*\\)",
                Pattern.CASE_INSENSITIVE);
        return named.matcher(text).results().count()
                == constant.matcher(text).results().count();
    }

    private static boolean setsOrdinarySettings(String text) {
        long calls = SET_CONFIG.matcher(text).results().count();
        Matcher constants = SET_CONSTANT.matcher(text);
        while (constants.find()) {
            if (SettingRules.of(constants.group(1)).isPresent()) {
                return false;
            }
            calls--;
        }
        return calls == 0;
    }

    private static boolean is(String word, Rule rule) {
        return FunctionRules.of(Optional.empty(), word).filter(rule::equals).isPresent();
    }

    /** The functions of a database, of which those of one name are one; confined to one thread. */
    static final class Bodies {
        private final Map<String, Set<String>> words = new HashMap<>();
        private final Map<String, String> leavingSelf = new HashMap<>();
        private final Map<String, String> buildingSelf = new HashMap<>();
        private final Set<String> withOpenRights = new HashSet<>();
        private final List<Dependency> stored = new ArrayList<>();

        /**
         * @param body the name of its code, where it is in C: whatever the function is called, that says what it does
         * @param open whether it runs with the rights of an owner to whom what leaves the transaction is open
         */
        void add(String name, String body, String language, boolean trusted, boolean open) {
            if (language.equals(COMPILED)) {
                calledBy(new HashSet<>(List.of(name, body))).ifPresent(how -> leavingSelf.put(name, how));
                return;
            }
            Set<String> inIt = WordsOfText.in(body);
            words.computeIfAbsent(name, key -> new HashSet<>()).addAll(inIt);
            UncountableCode.leaving(inIt, body)
                    .or(() -> trusted
                            ? Optional.empty()
                            : Optional.of(
                                    "is written in " + language + ", which may do anything outside of its transaction"))
                    .ifPresent(how -> leavingSelf.put(name, how));
            if (!READ_LANGUAGES.contains(language) || buildsText(inIt, body)) {
                buildingSelf.put(name, RUNS_TEXT);
            }
            if (open) {
                withOpenRights.add(name);
            }
        }

        /** What leads to such a function of PostgreSQL's own; it counts as one, by a name that no text has. */
        void add(StoredCalls.Call call) {
            String called = "PostgreSQL's own " + call.function();
            stored.add(new Dependency(call.user(), called, call.whenRead()));
            if (FILES_OF_LARGE_OBJECTS.contains(call.function())) {
                leavingSelf.put(called, "works outside of its transaction");
            } else {
                buildingSelf.put(called, RUNS_TEXT);
            }
        }

        /** These, and what leads to PostgreSQL's own functions. */
        List<Dependency> with(List<Dependency> recorded) {
            return Stream.concat(recorded.stream(), stored.stream()).toList();
        }

        /** Whether nothing of theirs is beyond counting. */
        boolean harmless() {
            return leavingSelf.isEmpty() && buildingSelf.isEmpty();
        }

        UncountableReach building(List<Dependency> dependencies) {
            return UncountableReach.of(buildingSelf, Map.of(), words, dependencies);
        }

        /** Those that build text with the rights of such an owner are among them. */
        UncountableReach leaving(UncountableReach building, List<Dependency> dependencies) {
            Map<String, String> all = new HashMap<>(leavingSelf);
            withOpenRights.forEach(name -> {
                String how = building.called().get(name);
                if (how != null) {
                    all.putIfAbsent(name, how + OPEN);
                }
            });
            return UncountableReach.of(all, Map.of(), words, dependencies);
        }

        UncountableReach elsewhere(List<ForeignTables.Reaching> tables, List<Dependency> dependencies) {
            Map<String, String> read = new HashMap<>();
            Map<String, String> written = new HashMap<>();
            for (ForeignTables.Reaching each : tables) {
                String how = (each.name().equals(each.foreignTable()) ? "is" : "leads to") + " foreign table "
                        + each.foreignTable() + ", on whose other side anything may run";
                (each.reads() ? read : written).put(each.name(), how);
            }
            return UncountableReach.of(read, written, words, dependencies);
        }
    }
}
