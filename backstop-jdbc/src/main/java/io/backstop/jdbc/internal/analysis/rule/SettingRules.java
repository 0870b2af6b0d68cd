package io.backstop.jdbc.internal.analysis.rule;

import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** What setting one of the server's parameters means. Immutable, thread-safe. */
public final class SettingRules {
    /** The function that sets a parameter, as SET does. */
    public static final String SET_CONFIG = "set_config";

    /** The setting that keeps the transactions of a session read-only. */
    public static final String DEFAULT_READ_ONLY = "default_transaction_read_only";

    /** The setting that keeps a transaction read-only. */
    public static final String TRANSACTION_READ_ONLY = "transaction_read_only";

    private static final Map<String, Rule> RULES = Map.ofEntries(
            Map.entry("role", Rule.SET_ROLE),
            Map.entry("session_authorization", Rule.SET_ROLE),
            // Switches triggers and foreign keys off.
            Map.entry("session_replication_role", Rule.GUARDED_SETTING),
            Map.entry("row_security", Rule.GUARDED_SETTING),
            // Reads damaged pages as empty ones, and the next write makes it so.
            Map.entry("zero_damaged_pages", Rule.GUARDED_SETTING),
            Map.entry("ignore_system_indexes", Rule.GUARDED_SETTING),
            Map.entry("allow_system_table_mods", Rule.GUARDED_SETTING),
            Map.entry(DEFAULT_READ_ONLY, Rule.GUARDED_SETTING),
            Map.entry(TRANSACTION_READ_ONLY, Rule.GUARDED_SETTING));

    private SettingRules() {}

    /** The rule that setting the parameter fires; the server compares names without regard to ASCII case. */
    public static Optional<Rule> of(String parameter) {
        return Optional.ofNullable(RULES.get(parameter.toLowerCase(Locale.ROOT)));
    }
}
