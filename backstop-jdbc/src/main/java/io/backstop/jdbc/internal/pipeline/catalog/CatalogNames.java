package io.backstop.jdbc.internal.pipeline.catalog;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.MentionedNames;
import io.backstop.api.analysis.StatementAssessment;
import io.backstop.jdbc.internal.analysis.rule.EvaluatingCommands;
import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * What the names of one database stood for when its catalog was read. Names are compared without their schema, so that no
 * search path hides one, and by the worst of what they may mean. Remembers what it said of a statement. Immutable apart from
 * that, thread-safe.
 */
final class CatalogNames {
    private static final long BYTES_OF_JUDGEMENTS = 4L << 20;

    private static final int ENTRY = 96;

    /** What BETWEEN, CASE, DISTINCT, IN, LIKE, SIMILAR TO, NATURAL JOIN and so on stand for. */
    private static final Set<String> IMPLIED = Set.of("=", "<>", "<", ">", "<=", ">=", "~", "~~", "!~~", "~~*", "!~~*");

    /** Commands on tables that take all of them where none is named. */
    private static final Set<CommandTag> MAINTAINING =
            Set.of(CommandTag.ANALYZE, CommandTag.VACUUM, CommandTag.CLUSTER, CommandTag.REPACK, CommandTag.REINDEX);

    private static final Set<String> HOLDING_TABLES = Set.of("schema", "database", "system");

    /** Those of these commands' options that are no key words (PostgreSQL documentation, SQL Commands). */
    private static final Set<String> MAINTENANCE_OPTIONS = Set.of(
            "buffer_usage_limit",
            "disable_page_skipping",
            "index_cleanup",
            "only_database_stats",
            "process_main",
            "process_toast",
            "skip_database_stats",
            "skip_locked");

    private static final Set<String> PARTITION_BOUND = Set.of("partition", "of", "values");

    private final Map<String, Callable> functions;
    private final Map<String, Standing> objects;
    private final Map<String, Standing> operators;
    private final Set<String> refreshed;
    private final Set<String> rebuilt;
    private final Set<String> compared;
    private final Set<String> settable;
    private final List<EventTrigger> eventTriggers;
    private final Map<CastUse, Standing> casts;
    private final boolean anywhere;
    private final ServerSpelling spelling;
    private final Cache<MentionedNames, Judgement> judgements = Caffeine.newBuilder()
            .maximumWeight(BYTES_OF_JUDGEMENTS)
            .weigher((MentionedNames names, Judgement judgement) -> ENTRY + names.weight())
            .build();

    private CatalogNames(Builder builder) {
        this.functions = Map.copyOf(builder.functions);
        this.objects = Map.copyOf(builder.objects);
        this.operators = Map.copyOf(builder.operators);
        this.refreshed = Set.copyOf(builder.refreshed);
        this.rebuilt = Set.copyOf(builder.rebuilt);
        this.compared = Set.copyOf(builder.compared);
        this.settable = Set.copyOf(builder.settable);
        this.eventTriggers = List.of();
        this.casts = Map.copyOf(builder.casts);
        this.anywhere =
                builder.anywhere || IMPLIED.stream().anyMatch(operator -> operators.get(operator) == Standing.CHANGES);
        this.spelling = builder.spelling;
    }

    private CatalogNames(CatalogNames names, List<EventTrigger> eventTriggers) {
        this.functions = names.functions;
        this.objects = names.objects;
        this.operators = names.operators;
        this.refreshed = names.refreshed;
        this.rebuilt = names.rebuilt;
        this.compared = names.compared;
        this.settable = names.settable;
        this.casts = names.casts;
        this.anywhere = names.anywhere;
        this.spelling = names.spelling;
        this.eventTriggers = List.copyOf(eventTriggers);
    }

    /** Where a cast of the user's happens. */
    enum CastUse {
        EXPLICIT("an explicit cast"),
        ASSIGNMENT("an assignment cast"),
        IMPLICIT("an implicit cast");

        private final String words;

        CastUse(String words) {
            this.words = words;
        }

        private String words() {
            return words;
        }
    }

    /** A function, or several of one name. */
    record Callable(Standing standing, boolean withOneArgument) {
        Callable with(Callable other) {
            return new Callable(standing.worse(other.standing), withOneArgument || other.withOneArgument);
        }
    }

    /**
     * What was found about a statement.
     *
     * @param danger what runs code that may change anything
     * @param rests whether the user's definitions say that it is harmless
     */
    record Judgement(Optional<String> danger, boolean rests) {
        private static final Judgement PLAIN = new Judgement(Optional.empty(), false);
        private static final Judgement RESTING = new Judgement(Optional.empty(), true);

        static Judgement of(Standing worst) {
            return worst == Standing.TRUSTED ? PLAIN : RESTING;
        }
    }

    /** What was said before of a statement of this command with these names; null where nothing was. */
    @Nullable
    Judgement remembered(StatementAssessment statement) {
        if (onlyDefines(statement)) {
            return ofCommand(statement).isPresent() ? null : Judgement.PLAIN;
        }
        Judgement judgement = judgements.getIfPresent(statement.mentions());
        return judgement == null || ofCommand(statement).isPresent() ? null : judgement;
    }

    void remember(StatementAssessment statement, Judgement judgement) {
        if (!onlyDefines(statement) && ofCommand(statement).isEmpty()) {
            judgements.put(statement.mentions(), judgement);
        }
    }

    void forget(StatementAssessment statement) {
        judgements.invalidate(statement.mentions());
    }

    /** What a command runs. */
    Judgement judge(StatementAssessment statement) {
        Optional<String> danger = ofCommand(statement);
        if (danger.isPresent()) {
            return new Judgement(danger, true);
        }
        return onlyDefines(statement) ? Judgement.PLAIN : judge(statement.mentions());
    }

    /** Whether it evaluates nothing of its text, as {@code GRANT EXECUTE ON FUNCTION f()}. */
    private static boolean onlyDefines(StatementAssessment statement) {
        return EvaluatingCommands.defines(statement.tag())
                && !EvaluatingCommands.evaluates(statement.tag())
                && !(EvaluatingCommands.rebuilds(statement.tag()) && boundsPartition(statement.mentions()));
    }

    /** {@code PARTITION OF … FOR VALUES …}, whose expressions are evaluated at once (documentation of CREATE TABLE). */
    private static boolean boundsPartition(MentionedNames names) {
        int words = 0;
        for (int i = 0; i < names.size(); i++) {
            words += PARTITION_BOUND.contains(names.name(i)) ? 1 : 0;
        }
        return words == PARTITION_BOUND.size();
    }

    /** The same with what runs when something is defined. */
    CatalogNames with(List<EventTrigger> triggers) {
        return new CatalogNames(this, triggers);
    }

    /** What names run where they are evaluated. */
    Judgement judge(MentionedNames names) {
        if (anywhere) {
            return danger("an operator class, or a comparison");
        }
        Standing worst = Standing.TRUSTED;
        for (CastUse use : CastUse.values()) {
            worst = worst.worse(casts.getOrDefault(use, Standing.TRUSTED));
            if (worst == Standing.CHANGES) {
                return danger(
                        use.words()); // no token need say so: conditions, to_json, || and RETURN cast by themselves
            }
        }
        for (String operator : names.operators()) {
            worst = worst.worse(operators.getOrDefault(operator, Standing.TRUSTED));
            if (worst == Standing.CHANGES) {
                return danger("operator " + operator);
            }
        }
        for (int i = 0; i < names.size(); i++) {
            worst = worst.worse(standing(names, i));
            if (worst == Standing.CHANGES) {
                return danger(names.name(i));
            }
        }
        return Judgement.of(worst);
    }

    private Standing standing(MentionedNames names, int i) {
        Standing worst = Standing.TRUSTED;
        for (String name : spelling.kept(names.name(i))) {
            worst = worst.worse(objects.getOrDefault(name, Standing.TRUSTED));
            Callable function = functions.get(name);
            if (function != null && (names.called(i) || (names.behindDot(i) && function.withOneArgument()))) {
                worst = worst.worse(function.standing());
            }
        }
        return worst;
    }

    private static Judgement danger(String what) {
        return new Judgement(Optional.of(what), true);
    }

    /** What a command runs because of what it is, beside what it evaluates. */
    private Optional<String> ofCommand(StatementAssessment statement) {
        CommandTag tag = statement.tag();
        if (tag == CommandTag.REFRESH_MATERIALIZED_VIEW) {
            Optional<String> refresh = mentioned(statement.mentions(), refreshed);
            if (refresh.isPresent()) {
                return refresh;
            }
        }
        if (MAINTAINING.contains(tag) && !(rebuilt.isEmpty() && compared.isEmpty())) {
            Optional<String> named = mentioned(statement.mentions(), rebuilt);
            return named.isEmpty() && takesEveryTable(statement.mentions())
                    ? Stream.concat(rebuilt.stream(), compared.stream()).findAny()
                    : named;
        }
        if (EvaluatingCommands.defines(tag)) {
            Optional<String> trigger = eventTriggers.stream()
                    .filter(each -> each.firesOn(tag))
                    .map(EventTrigger::function)
                    .findFirst();
            if (trigger.isPresent()) {
                return trigger;
            }
        }
        if (!EvaluatingCommands.onRows(tag) && EvaluatingCommands.rebuilds(tag)) {
            Optional<String> table = mentioned(statement.mentions(), rebuilt);
            if (table.isPresent()) {
                return table;
            }
        }
        if (EvaluatingCommands.stores(tag)) {
            return changingObject(statement.mentions()); // parsing runs the input functions of types
        }
        if (!settable.isEmpty() && EvaluatingCommands.onRows(tag)) {
            Optional<String> set = statement.targets().stream()
                    .map(target -> target.name().name())
                    .filter(target -> spelling.kept(target).stream().anyMatch(settable::contains))
                    .findFirst();
            if (set.isPresent()) {
                return set.map(name -> name + ", through which pg_settings is written");
            }
        }
        return Optional.empty();
    }

    /** It names no table, or what holds many; an option is no name, and a table with the name of one is taken for it. */
    static boolean takesEveryTable(MentionedNames names) {
        boolean named = false;
        for (int i = 0; i < names.size(); i++) {
            if (HOLDING_TABLES.contains(names.name(i)) && names.keyword(i)) {
                return true;
            }
            named |= !names.keyword(i) && !MAINTENANCE_OPTIONS.contains(names.name(i));
        }
        return !named;
    }

    private Optional<String> changingObject(MentionedNames names) {
        for (int i = 0; i < names.size(); i++) {
            for (String name : spelling.kept(names.name(i))) {
                if (objects.get(name) == Standing.CHANGES) {
                    return Optional.of(name);
                }
            }
        }
        return Optional.empty();
    }

    private Optional<String> mentioned(MentionedNames names, Set<String> of) {
        for (int i = 0; i < names.size(); i++) {
            for (String name : spelling.kept(names.name(i))) {
                if (of.contains(name)) {
                    return Optional.of(name);
                }
            }
        }
        return Optional.empty();
    }

    /** The names that may stand for something that was not there when the catalog was read. */
    List<String> unknown(MentionedNames names) {
        List<String> unknown = new ArrayList<>();
        for (int i = 0; i < names.size(); i++) {
            boolean callable = names.called(i) || names.behindDot(i);
            for (String name : spelling.kept(names.name(i))) {
                if (!objects.containsKey(name) || (callable && !functions.containsKey(name))) {
                    unknown.add(name);
                }
            }
        }
        return unknown;
    }

    List<String> unknownOperators(MentionedNames names) {
        return names.operators().stream()
                .filter(operator -> !operators.containsKey(operator))
                .toList();
    }

    boolean knowsFunction(String name) {
        return functions.containsKey(name);
    }

    boolean knowsObject(String name) {
        return objects.containsKey(name);
    }

    /** Whether a function's body runs what may change anything. */
    boolean changesIn(FunctionBody body) {
        return body.names().stream().anyMatch(names -> judge(names).danger().isPresent());
    }

    /** Collects what was read; confined to one thread. */
    static final class Builder {
        private final Map<String, Callable> functions = new HashMap<>();
        private final Map<String, Standing> objects = new HashMap<>();
        private final Map<String, Standing> operators = new HashMap<>();
        private final Set<String> refreshed = new HashSet<>();
        private final Set<String> rebuilt = new HashSet<>();
        private final Set<String> compared = new HashSet<>();
        private final Set<String> settable = new HashSet<>();
        private final Map<CastUse, Standing> casts = new HashMap<>();
        private final ServerSpelling spelling;
        private boolean anywhere;

        Builder(ServerSpelling spelling) {
            this.spelling = spelling;
        }

        void function(String name, Standing standing, boolean withOneArgument) {
            functions.merge(name, new Callable(standing, withOneArgument), Callable::with);
        }

        void object(String name, Standing standing) {
            objects.merge(name, standing, Standing::worse);
        }

        void operator(String name, Standing standing) {
            operators.merge(name, standing, Standing::worse);
        }

        void cast(CastUse use, Standing standing) {
            casts.merge(use, standing, Standing::worse);
        }

        void refreshed(String materializedView) {
            refreshed.add(materializedView);
        }

        void rebuilt(String object) {
            rebuilt.add(object);
        }

        /** A table of which to compare values runs code, as when its statistics are taken. */
        void compared(String table) {
            compared.add(table);
        }

        void settable(String relation) {
            settable.add(relation);
        }

        void anywhere() {
            anywhere = true;
        }

        CatalogNames build() {
            return new CatalogNames(this);
        }
    }
}
