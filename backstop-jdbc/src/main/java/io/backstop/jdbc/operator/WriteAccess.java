package io.backstop.jdbc.operator;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.UserPrincipal;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Whether a user of the operating system can change a file, or put another one in its place: the file itself and every
 * folder up to the root, also behind links. Stateless, thread-safe.
 */
public final class WriteAccess {
    private static final String ROOT = "root";

    /** S_ISVTX: in such a folder only the owner of an entry can remove or rename it (POSIX, chmod). */
    private static final int STICKY = 0x200;

    private WriteAccess() {}

    /** Why the user of this process can, in sentences without a full stop; empty where they cannot. */
    public static List<String> ofThisProcess(Path file) {
        String user = System.getProperty("user.name", "");
        try {
            List<String> reasons = new ArrayList<>(
                    of(file.getFileSystem().getUserPrincipalLookupService().lookupPrincipalByName(user), file));
            if (reasons.isEmpty()) {
                for (Path part : parts(file)) {
                    // The system's own answer knows groups and access control lists.
                    if (Files.isWritable(part) && !sticky(part)) {
                        reasons.add("user " + user + " can write " + part);
                    }
                }
            }
            return List.copyOf(reasons);
        } catch (IOException | UnsupportedOperationException e) {
            return List.of("it cannot be found out who can write " + file);
        }
    }

    /** The same for any user, as far as owners and permissions say it. */
    public static List<String> of(UserPrincipal user, Path file) {
        if (user.getName().equals(ROOT)) {
            return List.of("user root can write every file");
        }
        List<String> reasons = new ArrayList<>();
        try {
            for (Path part : parts(file)) {
                reason(user, part).ifPresent(reasons::add);
            }
        } catch (IOException | UnsupportedOperationException e) {
            reasons.add("it cannot be found out who can write " + file);
        }
        return List.copyOf(reasons);
    }

    private static Optional<String> reason(UserPrincipal user, Path part) throws IOException {
        PosixFileAttributes attributes = Files.readAttributes(part, PosixFileAttributes.class);
        if (attributes.owner().equals(user)) {
            return Optional.of("user " + user.getName() + " owns " + part);
        }
        if (sticky(part)) {
            return Optional.empty();
        }
        if (attributes.permissions().contains(PosixFilePermission.OTHERS_WRITE)) {
            return Optional.of("everybody can write " + part);
        }
        if (attributes.permissions().contains(PosixFilePermission.GROUP_WRITE)
                && !attributes.group().getName().equals(ROOT)) {
            return Optional.of("group " + attributes.group().getName() + " can write " + part);
        }
        return Optional.empty();
    }

    private static boolean sticky(Path part) throws IOException {
        return Files.isDirectory(part) && ((int) Files.getAttribute(part, "unix:mode") & STICKY) != 0;
    }

    /** The file and every folder on the way to it: as it was named, and as links lead to it. */
    private static Set<Path> parts(Path file) throws IOException {
        Set<Path> parts = new LinkedHashSet<>();
        for (Path way : List.of(file.toRealPath(), file.toAbsolutePath().normalize())) {
            for (Path part = way; part != null; part = part.getParent()) {
                parts.add(part);
            }
        }
        return parts;
    }
}
