package io.backstop.jdbc;

import io.backstop.jdbc.control.SettableClock;
import io.backstop.jdbc.control.SqlControlStore;
import io.backstop.jdbc.policy.PolicyProfiles;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;

/** A guard of which the read fence is what matters: nothing is held, nobody is put in quarantine, no budget runs out. */
final class FencedGuard {
    private FencedGuard() {}

    /** @param folder where its policy and its control store are put */
    static Backstop of(Path folder, String fence) throws Exception {
        Path policy = Files.writeString(
                folder.resolve(fence + ".json"),
                "{\"read_fence\": \"" + fence + "\", \"require_approval_for_risks\": [],"
                        + " \"write_budget\": \"none\", \"max_blocked_attempts_per_window\": 0}");
        return Backstop.builder()
                .control(SqlControlStore.sqlite(
                        folder.resolve("control.db"), new SettableClock(Instant.parse("2026-01-01T00:00:00Z"))))
                .snapshots(new FakeSnapshots())
                .agentId("agent")
                .policy(PolicyProfiles.named(policy.toString()).latest())
                .build();
    }
}
