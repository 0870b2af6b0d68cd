package io.backstop.jdbc.internal.analysis.rule;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * What calling one of PostgreSQL's own functions, or one of its extensions', means. Immutable, thread-safe.
 *
 * <p>Of the volatile built-in functions of PostgreSQL 13 to 18 those are here that destroy, that change the server or that
 * read its files. Not here is what only reads, waits, locks or counts, and what does no more than a SAFE command does:
 * nextval, pg_notify, statistics (ANALYZE writes them, too), BRIN and GIN clean-up (as VACUUM does). Functions of the user
 * are not known by text.
 */
public final class FunctionRules {
    private static final Pattern SPACE = Pattern.compile("\\s+");
    private static final String BUILT_IN_SCHEMA = "pg_catalog";

    private static final Map<String, Rule> BUILT_IN = new HashMap<>();
    /** Extensions can be installed into any schema. */
    private static final Map<String, Rule> OF_EXTENSIONS = new HashMap<>();

    /** pg_cron's names are too common to mean anything outside its own schema. */
    private static final Map<String, Rule> OF_CRON = new HashMap<>();

    static {
        add(BUILT_IN, Rule.UNSEEN_FUNCTION, "lo_unlink lo_export lo_import");
        add(BUILT_IN, Rule.SEQUENCE_CHANGE, "setval");
        add(
                BUILT_IN,
                Rule.LARGE_OBJECT_WRITE,
                "lo_put lo_from_bytea lowrite lo_truncate lo_truncate64 lo_create lo_creat");
        // The variants that only describe a table (table_to_xmlschema) read no rows and run nothing.
        add(BUILT_IN, Rule.QUERY_FROM_TEXT, """
                query_to_xml query_to_xmlschema query_to_xml_and_xmlschema cursor_to_xml
                table_to_xml table_to_xml_and_xmlschema schema_to_xml schema_to_xml_and_xmlschema
                database_to_xml database_to_xml_and_xmlschema ts_stat ts_rewrite
                """);
        add(BUILT_IN, Rule.ADMINISTRATIVE_FUNCTION, """
                pg_terminate_backend pg_cancel_backend pg_reload_conf pg_rotate_logfile pg_rotate_logfile_old
                pg_read_file pg_read_file_old pg_read_binary_file pg_ls_dir
                pg_switch_wal pg_create_restore_point pg_promote pg_wal_replay_pause pg_wal_replay_resume
                pg_backup_start pg_backup_stop pg_start_backup pg_stop_backup pg_log_standby_snapshot
                pg_drop_replication_slot pg_create_logical_replication_slot pg_create_physical_replication_slot
                pg_copy_logical_replication_slot pg_copy_physical_replication_slot pg_replication_slot_advance
                pg_logical_slot_get_changes pg_logical_slot_get_binary_changes pg_sync_replication_slots
                pg_replication_origin_create pg_replication_origin_drop pg_replication_origin_advance
                pg_replication_origin_session_setup pg_replication_origin_session_reset
                pg_replication_origin_xact_setup pg_replication_origin_xact_reset
                pg_logical_emit_message pg_import_system_collations pg_stat_reset
                pg_extension_config_dump pg_nextoid pg_stop_making_pinned_objects
                """);
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
        if (rule == null && place.equals(BUILT_IN_SCHEMA)) {
            rule = BUILT_IN.get(name);
        }
        if (rule == null && place.equals("cron")) {
            rule = OF_CRON.get(name);
        }
        if (rule == null && name.startsWith("binary_upgrade_")) {
            rule = Rule.ADMINISTRATIVE_FUNCTION;
        }
        return Optional.ofNullable(rule);
    }
}
