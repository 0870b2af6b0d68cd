package io.backstop.jdbc.internal.pipeline.catalog;

import io.backstop.api.analysis.CommandTag;

import java.util.Set;

/**
 * What runs with commands that define something, and may change anything. Immutable, thread-safe.
 *
 * @param function its function
 * @param tags the command tags that it is limited to; none stand for all
 */
record EventTrigger(String function, Set<String> tags) {
    EventTrigger {
        tags = Set.copyOf(tags);
    }

    boolean firesOn(CommandTag command) {
        return tags.isEmpty() || tags.contains(command.text());
    }
}
