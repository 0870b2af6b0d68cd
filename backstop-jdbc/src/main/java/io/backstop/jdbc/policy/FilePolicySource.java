package io.backstop.jdbc.policy;

import io.backstop.api.policy.Policy;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/**
 * Reads a policy file, and reads it again when its time of change, size or identity is another. If the file has become unusable,
 * the last good policy stays in force and the log says so, once for each change. Thread-safe.
 */
public final class FilePolicySource implements PolicySource {
    private static final Logger LOG = LoggerFactory.getLogger(FilePolicySource.class);

    /** The time of the last change cannot be set back, as that of the last modification can, by cp -p or rsync. */
    private static final String UNIX_ATTRIBUTES = "unix:ctime,size,dev,ino";

    private static final String BASIC_ATTRIBUTES = "lastModifiedTime,size,fileKey";

    private final Path file;
    private final PolicyReader reader = new PolicyReader();
    private volatile Loaded loaded;

    private FilePolicySource(Path file) throws InvalidPolicyException {
        this.file = file;
        Stamp stamp = stamp(file); // before the reading, so that a change in between is seen the next time
        this.loaded = new Loaded(reader.read(file), stamp);
    }

    /** @throws InvalidPolicyException where the file cannot be read or is not a policy */
    public static FilePolicySource open(Path file) throws InvalidPolicyException {
        return new FilePolicySource(file);
    }

    @Override
    public Policy current() {
        if (!stamp(file).equals(loaded.stamp())) {
            reload();
        }
        return loaded.policy();
    }

    @Override
    public Policy latest() {
        return loaded.policy();
    }

    private synchronized void reload() {
        Stamp stamp = stamp(file);
        if (stamp.equals(loaded.stamp())) {
            return;
        }
        try {
            loaded = new Loaded(reader.read(file), stamp);
            LOG.info("policy {} was read again", file);
        } catch (InvalidPolicyException e) {
            loaded = new Loaded(loaded.policy(), stamp);
            LOG.error("the changed policy cannot be used, the one before it stays in force: {}", e.getMessage());
        }
    }

    private static Stamp stamp(Path file) {
        try {
            boolean tellsChanges =
                    file.getFileSystem().supportedFileAttributeViews().contains("unix");
            return new Stamp(Files.readAttributes(file, tellsChanges ? UNIX_ATTRIBUTES : BASIC_ATTRIBUTES));
        } catch (IOException e) {
            return Stamp.MISSING;
        }
    }

    private record Loaded(Policy policy, Stamp stamp) {}

    private record Stamp(Map<String, Object> attributes) {
        static final Stamp MISSING = new Stamp(Map.of());
    }
}
