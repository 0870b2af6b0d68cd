package io.backstop.jdbc;

import java.sql.SQLException;
import java.util.HashMap;
import java.util.Map;

/**
 * The driver's guards, one for each set of settings that was asked for, kept as long as the JVM runs. What a guard still
 * has to write into the audit is written when the JVM ends. Thread-safe.
 */
final class SharedGuards {
    private final Map<GuardSettings, Backstop> guards = new HashMap<>();
    private boolean hooked;

    synchronized Backstop with(Map<Setting, String> settings) throws SQLException {
        GuardSettings checked = GuardSettings.of(settings);
        Backstop existing = guards.get(checked);
        if (existing != null) {
            return existing;
        }
        Backstop guard = Backstop.builder().settings(settings).build();
        guards.put(checked, guard);
        if (!hooked) {
            Runtime.getRuntime().addShutdownHook(new Thread(this::close, "backstop-shutdown"));
            hooked = true;
        }
        return guard;
    }

    private synchronized void close() {
        guards.values().forEach(Backstop::close);
        guards.clear();
    }
}
