package io.backstop.snapshot.schema;

import io.backstop.snapshot.schema.TableDescription.Dependent;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The identity of a dependent object, whichever relation it is seen from. A rule that writes another table depends on
 * both: it is a part of the one, and something that has to be dropped for the other. Immutable, thread-safe.
 */
public record DependentIdentity(DependentKind kind, String identity, List<String> sql) {
    public DependentIdentity {
        sql = List.copyOf(sql);
    }

    public static DependentIdentity of(Dependent dependent) {
        return new DependentIdentity(dependent.kind(), dependent.identity(), dependent.sql());
    }

    /** Each thing once, at the last of its places: only there all that it hangs on has been made. */
    public static List<Dependent> once(List<Dependent> inOrder) {
        Map<DependentIdentity, Dependent> lastFirst = new LinkedHashMap<>();
        for (int i = inOrder.size() - 1; i >= 0; i--) {
            lastFirst.putIfAbsent(of(inOrder.get(i)), inOrder.get(i));
        }
        List<Dependent> once = new ArrayList<>(lastFirst.values());
        Collections.reverse(once);
        return once;
    }
}
