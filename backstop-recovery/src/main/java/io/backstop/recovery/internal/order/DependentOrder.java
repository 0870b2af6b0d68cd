package io.backstop.recovery.internal.order;

import io.backstop.snapshot.schema.DependentIdentity;
import io.backstop.snapshot.schema.TableDescription.Dependent;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Merges what hangs on several tables into one list in which each thing comes once and after what it needs. */
public final class DependentOrder {
    private DependentOrder() {}

    /** Every list's own order is kept: a thing is next once no list has it behind another one. */
    public static List<Dependent> merge(List<List<Dependent>> lists) {
        List<Deque<Dependent>> queues = new ArrayList<>();
        lists.forEach(list -> queues.add(new ArrayDeque<>(list)));
        List<Dependent> merged = new ArrayList<>();
        Set<DependentIdentity> done = new HashSet<>();
        while (true) {
            queues.forEach(queue -> dropDone(queue, done));
            queues.removeIf(Deque::isEmpty);
            if (queues.isEmpty()) {
                return merged;
            }
            Dependent next = next(queues);
            merged.add(next);
            done.add(DependentIdentity.of(next));
        }
    }

    private static void dropDone(Deque<Dependent> queue, Set<DependentIdentity> done) {
        while (!queue.isEmpty() && done.contains(DependentIdentity.of(queue.element()))) {
            queue.poll();
        }
    }

    private static Dependent next(List<Deque<Dependent>> queues) {
        return queues.stream()
                .map(Deque::element)
                .filter(head -> queues.stream().noneMatch(queue -> isBehind(head, queue)))
                .findFirst()
                .orElse(queues.get(0).element());
    }

    private static boolean isBehind(Dependent head, Deque<Dependent> queue) {
        DependentIdentity thing = DependentIdentity.of(head);
        return queue.stream()
                .skip(1)
                .anyMatch(other -> DependentIdentity.of(other).equals(thing));
    }
}
