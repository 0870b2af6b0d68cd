package io.backstop.jdbc.internal.pipeline.catalog;

import io.backstop.api.analysis.MentionedNames;
import io.backstop.api.internal.postgres.TrackCounts;
import io.backstop.jdbc.internal.analysis.rule.FunctionRules;
import io.backstop.jdbc.internal.analysis.rule.ReviewedFunctions;
import io.backstop.jdbc.internal.analysis.rule.SettingRules;
import io.backstop.jdbc.internal.pipeline.catalog.CatalogNames.CastUse;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Reads from the catalog what runs code that may change something: VOLATILE functions of the user's, reviewed built-in ones,
 * functions whose body cannot be read or names one of these, and everything that depends on them. Confined to one thread.
 */
final class CatalogReader {
    private static final String UNCOUNTED = "SELECT p.proname " + TrackCounts.FUNCTIONS_THAT_MAY_SWITCH_IT_OFF;
    private static final Pattern COMMA = Pattern.compile(",");

    /** They run the input function of a type that a value names. */
    private static final Set<String> READING_ANY_TYPE = Set.of("pg_input_is_valid", "pg_input_error_info");

    private static final Set<String> COMPILED = Set.of("c", "internal");

    private static final Set<String> READABLE = Set.of("sql", "plpgsql");

    /** ProcedureRelationId of PostgreSQL's src/include/catalog/pg_proc.h. */
    private static final long PG_PROC = 1255;

    /** RelationRelationId of PostgreSQL's src/include/catalog/pg_class.h. */
    private static final long PG_CLASS = 1259;

    private final Connection connection;
    private final String encoding;
    private final Map<Long, Routine> routines = new HashMap<>();
    private final Set<Long> changing = new HashSet<>();
    private final Map<Long, FunctionBody> bodies = new HashMap<>();
    private final List<Reference> uses = new ArrayList<>();
    private final Map<String, CatalogNames.Callable> builtIn = new HashMap<>();

    /** Relations of which a value of the row type runs nothing. */
    private final List<Long> rowTypesUnreached = new ArrayList<>();

    private CatalogReader(Connection connection, ServerSpelling spelling) {
        this.connection = connection;
        this.encoding = spelling.encoding();
    }

    /** A function as the catalog has it; {@code extension} is empty where it belongs to none. */
    private record Routine(
            long id,
            String name,
            boolean aggregate,
            boolean isVolatile,
            String language,
            Optional<String> extension,
            boolean uncallable,
            boolean withOneArgument,
            String source,
            String sqlBody,
            String settings) {
        /**
         * The extension that vouches for it. Whoever owns an extension may make any function a member of it, but only a
         * superuser makes one in C.
         */
        Optional<String> ofExtension() {
            return COMPILED.contains(language) ? extension : Optional.empty();
        }

        /** Whether it is one of PostgreSQL's own in SQL, which a superuser may have replaced. */
        boolean ofInitdb() {
            return id < CatalogSql.FIRST_USER_OID && language.equals("sql");
        }

        /** Who vouches for it where it changes nothing as far as its body says. */
        Standing otherwise() {
            return ofExtension().isPresent() || ofInitdb() ? Standing.TRUSTED : Standing.READS;
        }

        FunctionBody body() {
            return FunctionBody.of(sqlBody.isEmpty() ? source : sqlBody);
        }
    }

    /** An object by the oids of its catalog and of itself. */
    private record Reference(long catalog, long id) {}

    /** A row of {@link CatalogQueries#REACHED}. */
    private record Reached(String kind, String name, long id) {}

    /**
     * How the catalog is at the moment.
     *
     * @param encoding the server's
     * @param frozen whether the transaction goes on seeing an older state of it
     * @param hash equal for equal catalogs
     * @param foreign whether it has foreign tables
     * @param written whether the transaction that asks has written something, which may be definitions
     */
    record Fingerprint(String encoding, boolean frozen, String hash, boolean foreign, boolean written) {}

    static Fingerprint fingerprint(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(CatalogQueries.FINGERPRINT)) {
            row.next();
            return new Fingerprint(
                    row.getString(1),
                    frozen(row.getString(2)),
                    String.valueOf(row.getString(3)),
                    row.getBoolean(4),
                    row.getBoolean(5));
        }
    }

    /** Whether a transaction at this isolation level keeps its first view of the catalog's tables. */
    static boolean frozen(String isolation) {
        return isolation.equals("repeatable read") || isolation.equals("serializable");
    }

    static CatalogNames read(Connection connection, ServerSpelling spelling) throws SQLException {
        return new CatalogReader(connection, spelling).read(spelling);
    }

    /** Functions under which rows cannot be counted. */
    static Set<String> uncounted(Connection connection, String encoding) throws SQLException {
        Set<String> uncounted = new HashSet<>();
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(CatalogSql.legible(UNCOUNTED, encoding, 1, 1))) {
            while (rows.next()) {
                uncounted.add(rows.getString(1));
            }
        }
        return Set.copyOf(uncounted);
    }

    private CatalogNames read(ServerSpelling spelling) throws SQLException {
        readRoutines(false);
        readBuiltIn();
        classify();
        CatalogNames names = names(spelling);
        while (addCallers(names)) {
            names = names(spelling);
        }
        CatalogNames known = names;
        return names.with(eventTriggers(routine -> routine.ofExtension().isEmpty() && !onlyLooks(routine, known)));
    }

    /** The versions of all definitions. */
    static DefinitionVersions versions(Connection connection, ServerSpelling spelling) throws SQLException {
        CatalogReader reader = new CatalogReader(connection, spelling);
        reader.readRoutines(false);
        Map<String, Set<String>> named = new HashMap<>();
        for (Routine routine : reader.routines.values()) {
            if (READABLE.contains(routine.language())) {
                Set<String> names = named.computeIfAbsent(routine.name(), name -> new HashSet<>());
                for (MentionedNames mentioned : routine.body().names()) {
                    for (int i = 0; i < mentioned.size(); i++) {
                        names.addAll(spelling.kept(mentioned.name(i)));
                    }
                    names.addAll(mentioned.operators());
                }
            }
        }
        return DefinitionVersions.read(connection, spelling, named);
    }

    /** What reaches foreign tables, if there are any that matter. */
    static Optional<RemoteSide> remote(Connection connection, ServerSpelling spelling) throws SQLException {
        List<ForeignTables.Reaching> tables = ForeignTables.reaching(connection, spelling.encoding()).stream()
                .filter(ForeignTables.Reaching::reads)
                .toList();
        return tables.isEmpty()
                ? Optional.empty()
                : Optional.of(new CatalogReader(connection, spelling).remote(tables, spelling));
    }

    private RemoteSide remote(List<ForeignTables.Reaching> tables, ServerSpelling spelling) throws SQLException {
        readRoutines(true);
        for (Routine routine : routines.values()) {
            if (READABLE.contains(routine.language())) {
                readable(routine);
            }
        }
        Map<String, String> foreign = new HashMap<>();
        for (ForeignTables.Reaching table : tables) {
            uses.add(new Reference(PG_CLASS, table.id()));
            rowTypesUnreached.add(table.id());
            foreign.merge(table.name(), table.foreignTable(), (one, other) -> one.equals(table.name()) ? one : other);
        }
        List<Reached> reached = reached();
        while (addCallers(reaching(reached, spelling))) {
            reached = reached();
        }
        CatalogNames all = reaching(reached, spelling);
        CatalogNames code = reaching(
                reached.stream().filter(each -> !each.kind().equals("r")).toList(), spelling);
        List<EventTrigger> triggers = eventTriggers(routine -> changing.contains(routine.id()));
        return new RemoteSide(all.with(triggers), code.with(triggers), foreign, parent(tables));
    }

    /** What database-wide ANALYZE takes rows of foreign tables by, none of which it takes itself. */
    private static Optional<String> parent(List<ForeignTables.Reaching> tables) {
        return tables.stream()
                .filter(ForeignTables.Reaching::parent)
                .map(ForeignTables.Reaching::name)
                .findFirst();
    }

    /** Those that may change something, whoever wrote them: event triggers are VOLATILE even where they only look. */
    private List<EventTrigger> eventTriggers(Predicate<Routine> counts) throws SQLException {
        List<EventTrigger> triggers = new ArrayList<>();
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(CatalogQueries.EVENT_TRIGGERS)) {
            while (rows.next()) {
                Routine routine = routines.get(rows.getLong(1));
                if (routine != null && counts.test(routine)) {
                    String tags = text(rows, 2);
                    triggers.add(new EventTrigger(
                            routine.name(),
                            COMMA.splitAsStream(tags)
                                    .filter(tag -> !tag.isEmpty())
                                    .collect(Collectors.toSet())));
                }
            }
        }
        return triggers;
    }

    private static boolean onlyLooks(Routine routine, CatalogNames names) {
        if (!READABLE.contains(routine.language()) || liftsGuard(routine.settings())) {
            return false;
        }
        FunctionBody body = FunctionBody.of(routine.source());
        return body.readable() && !body.writes() && !names.changesIn(body);
    }

    /** @param bodies of those too that may change something by their declaration */
    private void readRoutines(boolean bodies) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement(
                CatalogQueries.functions(connection.getMetaData().getDatabaseMajorVersion(), encoding))) {
            select.setBoolean(1, bodies);
            try (ResultSet rows = select.executeQuery()) {
                while (rows.next()) {
                    Routine routine = new Routine(
                            rows.getLong(1),
                            rows.getString(2),
                            rows.getBoolean(3),
                            rows.getBoolean(4),
                            rows.getString(5),
                            Optional.ofNullable(rows.getString(6)),
                            rows.getBoolean(7),
                            rows.getBoolean(8),
                            text(rows, 9),
                            text(rows, 10),
                            text(rows, 11));
                    routines.put(routine.id(), routine);
                }
            }
        }
    }

    private static String text(ResultSet rows, int column) throws SQLException {
        String text = rows.getString(column);
        return text == null ? "" : text;
    }

    private void readBuiltIn() throws SQLException {
        List<Long> dangerous = new ArrayList<>();
        try (PreparedStatement select = connection.prepareStatement(CatalogQueries.BUILT_IN)) {
            select.setString(1, CatalogSql.array(ReviewedFunctions.dangerous()));
            try (ResultSet rows = select.executeQuery()) {
                while (rows.next()) {
                    String name = rows.getString(2);
                    if (!ReviewedFunctions.harmless(name)) {
                        dangerous.add(rows.getLong(1));
                    }
                    if (!ReviewedFunctions.holds(name)) {
                        builtIn.merge(
                                name,
                                new CatalogNames.Callable(Standing.CHANGES, rows.getBoolean(3)),
                                CatalogNames.Callable::with);
                    }
                }
            }
        }
        readUses(dangerous);
    }

    private void readUses(List<Long> dangerous) throws SQLException {
        String ids = dangerous.stream().map(String::valueOf).collect(Collectors.joining("|"));
        try (PreparedStatement select = connection.prepareStatement(CatalogQueries.USES_OF_BUILT_IN)) {
            select.setString(1, CatalogSql.array(dangerous));
            select.setString(2, ":(funcid|opfuncid|aggfnoid|winfnoid) (" + ids + ")[^0-9]");
            try (ResultSet rows = select.executeQuery()) {
                while (rows.next()) {
                    uses.add(new Reference(rows.getLong(1), rows.getLong(2)));
                }
            }
        }
    }

    private void classify() throws SQLException {
        Set<String> symbols = new HashSet<>();
        for (Routine routine : routines.values()) {
            if (routine.language().equals("internal") && !routine.isVolatile() && !routine.aggregate()) {
                symbols.add(routine.source());
            }
        }
        Set<String> harmlessSymbols = symbols.isEmpty() ? Set.of() : harmlessSymbols(symbols);
        for (Routine routine : routines.values()) {
            if (changes(routine, harmlessSymbols)) {
                changing.add(routine.id());
            }
        }
    }

    /** Which code of the server changes nothing under any of the names that PostgreSQL gives it. */
    private Set<String> harmlessSymbols(Set<String> symbols) throws SQLException {
        Set<String> harmless = new HashSet<>();
        Set<String> harmful = new HashSet<>();
        try (PreparedStatement select = connection.prepareStatement(CatalogQueries.INTERNAL)) {
            select.setString(1, CatalogSql.array(symbols));
            try (ResultSet rows = select.executeQuery()) {
                while (rows.next()) {
                    String name = rows.getString(2);
                    boolean reviewed = rows.getBoolean(3)
                            ? ReviewedFunctions.harmless(name)
                            : FunctionRules.of(Optional.empty(), name).isEmpty();
                    (reviewed ? harmless : harmful).add(rows.getString(1));
                }
            }
        }
        harmless.removeAll(harmful);
        return harmless;
    }

    private boolean changes(Routine routine, Set<String> harmlessSymbols) {
        if (routine.aggregate()) {
            return false; // what it consists of decides, and is reached
        }
        if (routine.isVolatile() && !routine.ofInitdb()) {
            return routine.ofExtension()
                    .filter(extension -> ReviewedFunctions.harmless(extension, routine.name()))
                    .isEmpty();
        }
        if (liftsGuard(routine.settings())) {
            return true;
        }
        return switch (routine.language()) {
            case "internal" -> !harmlessSymbols.contains(routine.source());
            case "c" ->
                routine.ofExtension().isEmpty()
                        || FunctionRules.of(Optional.empty(), routine.name()).isPresent()
                        || isCodeOfDangerous(routine.source());
            default -> !READABLE.contains(routine.language()) || !readable(routine);
        };
    }

    /** A function may have been renamed; its symbol in the library has the old name, as {@code dblink_record}. */
    private static boolean isCodeOfDangerous(String symbol) {
        return FunctionRules.of(Optional.empty(), symbol).isPresent()
                || FunctionRules.of(Optional.empty(), symbol.replaceFirst("_[a-z]+$", ""))
                        .isPresent();
    }

    private boolean readable(Routine routine) {
        FunctionBody body = routine.body();
        bodies.put(routine.id(), body);
        return body.readable();
    }

    /** {@code CREATE FUNCTION … SET default_transaction_read_only = off}, and what else guards rows. */
    private static boolean liftsGuard(String settings) {
        return COMMA.splitAsStream(settings)
                .anyMatch(setting ->
                        SettingRules.of(setting.replaceFirst("=.*", "")).isPresent());
    }

    private boolean addCallers(CatalogNames names) {
        boolean added = false;
        for (Map.Entry<Long, FunctionBody> body : bodies.entrySet()) {
            if (!changing.contains(body.getKey()) && names.changesIn(body.getValue())) {
                added |= changing.add(body.getKey());
            }
        }
        return added;
    }

    private CatalogNames names(ServerSpelling spelling) throws SQLException {
        List<Reached> reached = reached();
        CatalogNames.Builder names = marked(reached, spelling);
        if (reached.stream().anyMatch(each -> each.kind().equals("t"))) {
            READING_ANY_TYPE.forEach(function -> names.function(function, Standing.CHANGES, false));
        }
        builtIn.forEach((name, callable) -> names.function(name, callable.standing(), callable.withOneArgument()));
        addObjects(names);
        addSettable(names);
        return names.build();
    }

    private CatalogNames reaching(List<Reached> reached, ServerSpelling spelling) {
        return marked(reached, spelling).build();
    }

    /** The names of what is reached, and of all functions. */
    private CatalogNames.Builder marked(List<Reached> reached, ServerSpelling spelling) {
        CatalogNames.Builder names = new CatalogNames.Builder(spelling);
        Set<Long> reachedRoutines = new HashSet<>(changing);
        for (Reached each : reached) {
            switch (each.kind()) {
                case "f" -> reachedRoutines.add(each.id());
                case "m" -> names.refreshed(each.name());
                case "s" ->
                    names.object(each.name(), Standing.CHANGES); // the planner runs it for every query of the table
                case "d" -> names.rebuilt(each.name());
                case "c" -> names.compared(each.name());
                case "o" -> names.operator(each.name(), Standing.CHANGES);
                case "r", "t" -> names.object(each.name(), Standing.CHANGES);
                case "x" -> names.anywhere();
                default -> names.cast(castUse(each.kind()), Standing.CHANGES);
            }
        }
        for (Routine routine : routines.values()) {
            boolean changes = reachedRoutines.contains(routine.id()) && !routine.uncallable();
            names.function(routine.name(), changes ? Standing.CHANGES : routine.otherwise(), routine.withOneArgument());
        }
        return names;
    }

    private void addObjects(CatalogNames.Builder names) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(CatalogSql.legible(CatalogQueries.OBJECTS, encoding, 3, 2))) {
            while (rows.next()) {
                String name = rows.getString(2);
                Standing standing = rows.getBoolean(3) ? Standing.TRUSTED : Standing.READS;
                switch (rows.getString(1)) {
                    case "m" -> names.object(name, Standing.TRUSTED);
                    case "r" -> names.object(name, standing);
                    case "o" -> names.operator(name, standing);
                    default -> names.cast(castUse(rows.getString(1)), standing);
                }
            }
        }
    }

    private void addSettable(CatalogNames.Builder names) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(CatalogSql.legible(CatalogQueries.SETTABLE, encoding, 1, 1))) {
            while (rows.next()) {
                names.settable(rows.getString(1));
            }
        }
    }

    private static CastUse castUse(String kind) {
        return switch (kind) {
            case "I" -> CastUse.IMPLICIT;
            case "A" -> CastUse.ASSIGNMENT;
            default -> CastUse.EXPLICIT;
        };
    }

    private List<Reached> reached() throws SQLException {
        List<Reference> seeds = new ArrayList<>(uses);
        changing.forEach(id -> seeds.add(new Reference(PG_PROC, id)));
        if (seeds.isEmpty()) {
            return List.of();
        }
        List<Reached> reached = new ArrayList<>();
        try (PreparedStatement select =
                connection.prepareStatement(CatalogSql.legible(CatalogQueries.REACHED, encoding, 3, 2))) {
            select.setString(
                    1, CatalogSql.array(seeds.stream().map(Reference::catalog).toList()));
            select.setString(
                    2, CatalogSql.array(seeds.stream().map(Reference::id).toList()));
            select.setString(3, CatalogSql.array(rowTypesUnreached));
            try (ResultSet rows = select.executeQuery()) {
                while (rows.next()) {
                    reached.add(new Reached(rows.getString(1), rows.getString(2), rows.getLong(3)));
                }
            }
        }
        return reached;
    }

    /** Whether a search path may have the user's code answer what names a function or operator of PostgreSQL's own. */
    static boolean shadowing(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(CatalogQueries.SHADOWING)) {
            row.next();
            return row.getBoolean(1);
        }
    }
}
