package io.backstop.jdbc.internal.analysis.rule;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * What calling one of PostgreSQL's own functions, or one of its extensions', means. PostgreSQL's own are reviewed one by one
 * ({@link ReviewedFunctions}); of extensions those stand here that destroy, administer, or run text. Functions of the user
 * are not known by text. Immutable, thread-safe.
 */
public final class FunctionRules {
    private static final Pattern SPACE = Pattern.compile("\\s+");
    private static final String BUILT_IN_SCHEMA = "pg_catalog";

    /** Extensions can be installed into any schema. */
    private static final Map<String, Rule> OF_EXTENSIONS = new HashMap<>();

    /** pg_cron's names are too common to mean anything outside its own schema. */
    private static final Map<String, Rule> OF_CRON = new HashMap<>();

    static {
        add(OF_EXTENSIONS, Rule.UNSEEN_FUNCTION, """
                dblink dblink_exec dblink_send_query dblink_open dblink_fetch dblink_get_result
                dblink_connect dblink_connect_u
                pg_file_write pg_file_unlink pg_file_rename
                heap_force_kill heap_force_freeze
                run_command_on_workers run_command_on_shards run_command_on_placements
                drop_chunks dropgeometrytable dropgeometrycolumn pg_background_launch
                """);
        add(OF_EXTENSIONS, Rule.QUERY_FROM_TEXT, "crosstab crosstab2 crosstab3 crosstab4 connectby xpath_table");
        add(OF_EXTENSIONS, Rule.ADMINISTRATIVE_FUNCTION, "pg_truncate_visibility_map pg_stat_statements_reset");
        add(OF_CRON, Rule.UNSEEN_FUNCTION, "schedule schedule_in_database alter_job");
    }

    private FunctionRules() {}

    private static void add(Map<String, Rule> rules, Rule rule, String names) {
        SPACE.splitAsStream(names.strip()).forEach(name -> rules.put(name, rule));
    }

    /**
     * The rule that a call fires.
     *
     * @param schema the schema of the call as written, folded; empty where it names none
     * @param name the function's name, folded
     */
    public static Optional<Rule> of(Optional<String> schema, String name) {
        Rule rule = OF_EXTENSIONS.get(name);
        String place = schema.orElse(BUILT_IN_SCHEMA);
        if (rule == null && place.equals("cron")) {
            rule = OF_CRON.get(name);
        }
        return rule == null && place.equals(BUILT_IN_SCHEMA)
                ? ReviewedFunctions.ruleOf(name)
                : Optional.ofNullable(rule);
    }
}
