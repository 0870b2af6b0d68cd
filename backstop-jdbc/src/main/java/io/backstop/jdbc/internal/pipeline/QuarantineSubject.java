package io.backstop.jdbc.internal.pipeline;

import io.backstop.jdbc.internal.pipeline.session.CurrentAgent;
import io.backstop.jdbc.internal.pipeline.session.GuardedSession;

import java.sql.SQLException;

/**
 * Under which name refusals are counted: an agent's id; without one, the database role and the process, so that none who has no
 * id puts another's process or role in quarantine. Stateless, thread-safe.
 */
final class QuarantineSubject {
    /** Two processes with the same number, as in containers, began at different times. */
    private static final String PROCESS = ProcessHandle.current().pid() + "."
            + ProcessHandle.current()
                    .info()
                    .startInstant()
                    .map(start -> Long.toString(start.toEpochMilli(), Character.MAX_RADIX))
                    .orElse("");

    private QuarantineSubject() {}

    /** Costs no round trip. */
    static String of(GuardedSession session) throws SQLException {
        String agent = session.agentId();
        return agent.equals(CurrentAgent.UNKNOWN)
                ? agent + "/" + session.connection().getMetaData().getUserName() + "@" + PROCESS
                : agent;
    }
}
