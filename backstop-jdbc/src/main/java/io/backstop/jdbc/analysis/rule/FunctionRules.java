package io.backstop.jdbc.analysis.rule;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * What calling one of PostgreSQL's own functions, or one of its extensions', means. Immutable, thread-safe.
 *
 * <p>Only functions that act are here; a function that merely reads, waits or locks is not. Functions of the user are not
 * known by text.
 */
public final class FunctionRules {
    private static final Pattern SPACE = Pattern.compile("\\s+");
    private static final String BUILT_IN_SCHEMA = "pg_catalog";

    private static final Map<String, Rule> BUILT_IN = new HashMap<>();
    /** Extensions can be installed into any schema. */
    private static final Map<String, Rule> OF_EXTENSIONS = new HashMap<>();

    static {
        add(BUILT_IN, Rule.UNSEEN_FUNCTION, "lo_unlink lo_export lo_import");
        add(BUILT_IN, Rule.SEQUENCE_CHANGE, "setval");
        add(
                BUILT_IN,
                Rule.LARGE_OBJECT_WRITE,
                "lo_put lo_from_bytea lowrite lo_truncate lo_truncate64 lo_create lo_creat");
        add(BUILT_IN, Rule.QUERY_FROM_TEXT, """
                query_to_xml query_to_xmlschema query_to_xml_and_xmlschema cursor_to_xml cursor_to_xmlschema
                table_to_xml table_to_xmlschema table_to_xml_and_xmlschema schema_to_xml schema_to_xmlschema
                schema_to_xml_and_xmlschema database_to_xml database_to_xmlschema database_to_xml_and_xmlschema
                ts_stat ts_rewrite
                """);
        add(BUILT_IN, Rule.ADMINISTRATIVE_FUNCTION, """
                pg_terminate_backend pg_cancel_backend pg_reload_conf pg_rotate_logfile pg_rotate_logfile_old
                pg_read_file pg_read_file_old pg_read_binary_file pg_ls_dir
                pg_switch_wal pg_create_restore_point pg_promote pg_wal_replay_pause pg_wal_replay_resume
                pg_backup_start pg_backup_stop pg_start_backup pg_stop_backup
                pg_drop_replication_slot pg_create_logical_replication_slot pg_create_physical_replication_slot
                pg_copy_logical_replication_slot pg_copy_physical_replication_slot pg_replication_slot_advance
                pg_logical_slot_get_changes pg_logical_slot_get_binary_changes pg_sync_replication_slots
                pg_replication_origin_create pg_replication_origin_drop pg_replication_origin_advance
                pg_replication_origin_session_setup pg_replication_origin_session_reset
                pg_replication_origin_xact_setup pg_replication_origin_xact_reset
                pg_logical_emit_message pg_import_system_collations
                pg_stat_reset pg_stat_reset_shared pg_stat_reset_single_table_counters
                pg_stat_reset_single_function_counters pg_stat_reset_slru pg_stat_reset_replication_slot
                pg_stat_reset_subscription_stats pg_stat_reset_backend_stats
                pg_restore_relation_stats pg_restore_attribute_stats pg_clear_relation_stats pg_clear_attribute_stats
                pg_extension_config_dump pg_nextoid
                binary_upgrade_set_next_pg_type_oid
                """);
        add(OF_EXTENSIONS, Rule.UNSEEN_FUNCTION, """
                dblink dblink_exec dblink_send_query dblink_open dblink_fetch dblink_get_result
                dblink_connect dblink_connect_u
                pg_file_write pg_file_unlink pg_file_rename
                """);
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
        if (rule == null && schema.orElse(BUILT_IN_SCHEMA).equals(BUILT_IN_SCHEMA)) {
            rule = BUILT_IN.get(name);
        }
        return Optional.ofNullable(rule);
    }
}
