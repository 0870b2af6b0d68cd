package io.backstop.jdbc.internal.pipeline.lookup;

import io.backstop.api.analysis.Assessment;
import io.backstop.api.analysis.CommandTag;
import io.backstop.api.analysis.Finding;
import io.backstop.api.analysis.RelationName;
import io.backstop.api.analysis.RiskLevel;
import io.backstop.api.analysis.RuleId;
import io.backstop.api.analysis.StatementAssessment;
import io.backstop.jdbc.internal.analysis.detail.DropStatement;
import io.backstop.jdbc.internal.analysis.grammar.ObjectClass;
import io.backstop.jdbc.internal.analysis.rule.Rule;
import io.backstop.jdbc.internal.pipeline.session.GuardedSession;
import io.backstop.jdbc.internal.pipeline.statement.ReviewedStatement;
import org.jspecify.annotations.Nullable;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A DROP that takes no rows by what the catalog holds at this moment. Of a {@code DROP … IF EXISTS}, what it names does not
 * exist, or is a type on which nothing but casts depends; or of a {@code DROP … CASCADE} with which nothing goes that has rows.
 * Somebody may create or use it before the statement runs, so {@link CheckedDrop} compares afterwards. Immutable.
 *
 * @param rule what the catalog said
 * @param risk that of the statement, if that is so
 * @param expected whether a transaction that has changed this may be kept
 */
public record HarmlessDrop(RuleId rule, RiskLevel risk, Predicate<CatalogChanges> expected) {
    public static final RuleId ABSENT = new RuleId("absent-object");
    public static final RuleId UNUSED = new RuleId("unused-type");
    public static final RuleId ROWLESS = RowlessCascade.RULE;

    private static final Set<RuleId> DROPS = Stream.of(
                    Rule.DROP_TABLE, Rule.DROP_SCHEMA, Rule.DROP_EXTENSION, Rule.DROP_OBJECT)
            .map(Rule::id)
            .collect(Collectors.toUnmodifiableSet());

    private static final HarmlessDrop OF_NOTHING = onlyIn(ABSENT, RiskLevel.WRITE, Set.of());

    /** What goes with a type: itself, the type of its arrays, its labels, the casts from it and to it. */
    private static final HarmlessDrop OF_TYPES = onlyIn(
            UNUSED,
            RiskLevel.HIGH,
            Set.of(
                    "pg_type",
                    "pg_enum",
                    "pg_cast",
                    "pg_depend",
                    "pg_shdepend",
                    "pg_description",
                    "pg_init_privs",
                    "pg_seclabel"));

    // Operators are qualified, because on the session's search path they may mean anything.
    static final String NAMED = " OPERATOR(pg_catalog.=) ?::pg_catalog.name";

    static final String IN_SCHEMA = " AND CASE WHEN ?::pg_catalog.text IS NULL"
            + " THEN n.nspname OPERATOR(pg_catalog.=) ANY (pg_catalog.current_schemas(true))"
            + " ELSE n.nspname OPERATOR(pg_catalog.=) ?::pg_catalog.name"
            + " OR n.oid OPERATOR(pg_catalog.=) pg_catalog.pg_my_temp_schema() END";

    /** Only of an enum: what is made of a composite type or a range depends on it in more ways. */
    private static final String UNUSED_ENUM = """
            SELECT pg_catalog.count(*) OPERATOR(pg_catalog.=) 1
                AND coalesce(pg_catalog.bool_and(t.typtype OPERATOR(pg_catalog.=) 'e'
                AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d
                    WHERE d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_type'::pg_catalog.regclass
                    AND (d.refobjid OPERATOR(pg_catalog.=) t.oid OR d.refobjid OPERATOR(pg_catalog.=) t.typarray)
                    AND d.objid OPERATOR(pg_catalog.<>) t.typarray
                    AND d.classid OPERATOR(pg_catalog.<>) 'pg_catalog.pg_cast'::pg_catalog.regclass)), false)
            FROM pg_catalog.pg_type AS t JOIN pg_catalog.pg_namespace AS n
                ON n.oid OPERATOR(pg_catalog.=) t.typnamespace WHERE t.typname""" + NAMED + IN_SCHEMA;

    /** Triggers on DDL run code of the user's; and without the counters nothing can be compared afterwards. */
    private static final String CAN_BE_CHECKED = "SELECT pg_catalog.current_setting('track_counts')"
            + " OPERATOR(pg_catalog.=) 'on' AND NOT EXISTS (SELECT FROM pg_catalog.pg_event_trigger"
            + " WHERE evtenabled OPERATOR(pg_catalog.<>) 'D')";

    private static HarmlessDrop onlyIn(RuleId rule, RiskLevel risk, Set<String> catalogs) {
        return new HarmlessDrop(rule, risk, changes -> changes.onlyIn(catalogs));
    }

    /** What to compare afterwards: without a cascade, the counters say everything. */
    CatalogChanges look(Connection connection) throws SQLException {
        return rule.equals(ROWLESS) ? CatalogChanges.withRelations(connection) : CatalogChanges.read(connection);
    }

    /** Empty where the statement is another, or takes something away. */
    public static Optional<HarmlessDrop> find(GuardedSession session, ReviewedStatement statement) throws SQLException {
        if (statement.assessment().statements().size() != 1
                || statement.assessment().findings().stream().map(Finding::rule).noneMatch(DROPS::contains)
                || session.inFailedTransaction()) {
            return Optional.empty();
        }
        Optional<DropStatement> read = DropStatement.read(statement.sql(), session.standardConformingStrings());
        if (read.isEmpty()) {
            return Optional.empty();
        }
        DropStatement drop = read.get();
        boolean mayBeAbsent = drop.ifExists() && !drop.names().isEmpty();
        if (!(mayBeAbsent || drop.cascadesFromRowless()) || !answer(session.connection(), CAN_BE_CHECKED)) {
            return Optional.empty();
        }
        Optional<HarmlessDrop> found = mayBeAbsent ? findAbsent(session.connection(), drop) : Optional.empty();
        return found.isEmpty() && drop.cascadesFromRowless() ? RowlessCascade.find(session.connection(), drop) : found;
    }

    private static Optional<HarmlessDrop> findAbsent(Connection connection, DropStatement drop) throws SQLException {
        String catalog = catalog(drop.objects());
        if (catalog.isEmpty()) {
            return Optional.empty();
        }
        int there = 0;
        for (RelationName name : drop.names()) {
            there += answer(connection, catalog, name) ? 1 : 0;
        }
        // A cast goes only where both its types are there.
        if (drop.objects() == ObjectClass.CAST ? there < drop.names().size() : there == 0) {
            return Optional.of(OF_NOTHING);
        }
        boolean unused = drop.objects() == ObjectClass.TYPE
                && drop.names().size() == 1
                && answer(connection, UNUSED_ENUM, drop.names().get(0));
        return unused ? Optional.of(OF_TYPES) : Optional.empty();
    }

    /**
     * The question whether a name is there, in the schemas in which the server would look; of functions, any of that name.
     * Empty for classes that are not looked up.
     */
    private static String catalog(ObjectClass objects) {
        return switch (objects) {
            case TABLE, FOREIGN_TABLE, VIEW, MATERIALIZED_VIEW, INDEX, SEQUENCE ->
                inSchemas("pg_class", "relname", "relnamespace");
            case TYPE, DOMAIN, CAST -> inSchemas("pg_type", "typname", "typnamespace");
            case FUNCTION, PROCEDURE, ROUTINE, AGGREGATE -> inSchemas("pg_proc", "proname", "pronamespace");
            case COLLATION -> inSchemas("pg_collation", "collname", "collnamespace");
            case STATISTICS -> inSchemas("pg_statistic_ext", "stxname", "stxnamespace");
            case SCHEMA -> anywhere("pg_namespace", "nspname");
            case EXTENSION -> anywhere("pg_extension", "extname");
            case TRIGGER -> anywhere("pg_trigger", "tgname");
            case RULE -> anywhere("pg_rewrite", "rulename");
            case POLICY -> anywhere("pg_policy", "polname");
            default -> "";
        };
    }

    private static String inSchemas(String catalog, String name, String schema) {
        return "SELECT EXISTS (SELECT FROM pg_catalog." + catalog + " AS o JOIN pg_catalog.pg_namespace AS n"
                + " ON n.oid OPERATOR(pg_catalog.=) o." + schema + " WHERE o." + name + NAMED + IN_SCHEMA + ")";
    }

    private static String anywhere(String catalog, String name) {
        return "SELECT EXISTS (SELECT FROM pg_catalog." + catalog + " WHERE " + name + NAMED + ")";
    }

    private static boolean answer(Connection connection, String question, RelationName name) throws SQLException {
        return answer(connection, question, parameters(question, name));
    }

    /** Of a question that holds {@link #NAMED}, and perhaps {@link #IN_SCHEMA} after it. */
    static @Nullable String[] parameters(String question, RelationName name) {
        @Nullable String schema = name.schema().orElse(null);
        return question.contains(IN_SCHEMA)
                ? new @Nullable String[] {name.name(), schema, schema}
                : new @Nullable String[] {name.name()};
    }

    static boolean answer(Connection connection, String question, @Nullable String... parameters) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement(question)) {
            for (int i = 0; i < parameters.length; i++) {
                select.setString(i + 1, parameters[i]);
            }
            try (ResultSet row = select.executeQuery()) {
                row.next();
                return row.getBoolean(1);
            }
        }
    }

    /** Whether nothing goes at all. */
    public boolean findsNothing() {
        return rule.equals(ABSENT);
    }

    /** What the policy decides about: a command of this risk on these objects, of nothing where nothing goes. */
    public Assessment judged(Assessment ofText) {
        StatementAssessment statement = ofText.statements().get(0);
        if (rule.equals(ROWLESS)) {
            return RowlessCascade.assessment(statement);
        }
        return assessment(statement, rule.equals(ABSENT) ? CommandTag.EMPTY : statement.tag());
    }

    /** What goes on the record. */
    public Assessment recorded(Assessment ofText) {
        StatementAssessment statement = ofText.statements().get(0);
        return rule.equals(ROWLESS) ? RowlessCascade.assessment(statement) : assessment(statement, statement.tag());
    }

    private Assessment assessment(StatementAssessment statement, CommandTag tag) {
        String reason = rule.equals(ABSENT) ? "names only what does not exist" : "removes a type that no table uses";
        return Assessment.of(List.of(new StatementAssessment(
                        tag,
                        List.of(),
                        risk,
                        true,
                        statement.targets(),
                        List.of(),
                        Set.of(),
                        Set.of(),
                        List.of(new Finding(rule, risk, reason)),
                        List.of(),
                        statement.needsWriteTransaction())
                .removing(rule.equals(ABSENT) ? List.of() : statement.definitions())));
    }
}
