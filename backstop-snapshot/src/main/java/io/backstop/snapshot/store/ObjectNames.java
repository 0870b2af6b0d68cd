package io.backstop.snapshot.store;

import java.util.regex.Pattern;

/** Which names an object may have; see {@link ObjectStore}. */
public final class ObjectNames {
    private static final Pattern PART = Pattern.compile("[A-Za-z0-9._%=-]+");

    private ObjectNames() {}

    /**
     * Gives the name back if it is one.
     *
     * @throws IllegalArgumentException where a store must not touch what it would mean
     */
    public static String checked(String name) {
        for (String part : name.split("/", -1)) {
            if (!isPart(part)) {
                throw new IllegalArgumentException("\"" + name + "\" is not the name of an object");
            }
        }
        return name;
    }

    /** A prefix is the beginning of a name: whole parts, then perhaps one that is not complete. */
    public static String checkedPrefix(String prefix) {
        int slash = prefix.lastIndexOf('/');
        String rest = prefix.substring(slash + 1);
        if (slash >= 0) {
            checked(prefix.substring(0, slash));
        }
        if (!rest.isEmpty() && !PART.matcher(rest).matches()) {
            throw new IllegalArgumentException("\"" + prefix + "\" is not the beginning of an object's name");
        }
        return prefix;
    }

    static boolean isPart(String part) {
        return PART.matcher(part).matches() && !part.equals(".") && !part.equals("..");
    }
}
